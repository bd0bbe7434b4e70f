// Logical volumes that we make: whole when they are kept, else removed. They are recognised by UUID
// and by a tag that no other volume has, never by name: a volume that somebody else made under the
// same name meanwhile stays.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/subprocess.hpp"
#include "base/units.hpp"
#include "host/lvm_names.hpp"

namespace vmconvert::host {

// What stands in the tags of a volume that we made: "vmconvert", "vmconvert.job=...",
// "vmconvert.source=...", "vmconvert.time=2026-11-21T07:36:03Z", "vmconvert.id=..."; see to_tag().
struct VolumeOrigin {
  std::string job;     // the conversion's name or id
  std::string source;  // the path that its content comes from
};

std::string job_tag(const std::string& job);  // of all volumes that it made

// A volume that is removed with this object, unless it was given up.
class OwnedVolume {
 public:
  struct Order {
    VolumeName name;
    std::vector<std::string> words;  // of lvcreate: kind and size
    std::string operand;             // the group, or the origin of a snapshot
    VolumeOrigin from;
    std::chrono::milliseconds device_timeout;
  };

  // Waits until the device is there and is this volume. Error(tool_failed) with LVM's reason;
  // nothing is left behind, also when a signal asks us to stop meanwhile. `commands` must outlive
  // this object.
  OwnedVolume(const Order& order, CommandRunner& commands);
  OwnedVolume(OwnedVolume&& other) noexcept;
  OwnedVolume& operator=(OwnedVolume&&) = delete;
  ~OwnedVolume() { remove(); }

  [[nodiscard]] const VolumeName& name() const noexcept { return m_name; }
  [[nodiscard]] const std::string& uuid() const noexcept { return m_uuid; }
  [[nodiscard]] ByteCount size() const noexcept { return m_size; }
  void give_up() noexcept { m_commands = nullptr; }

 private:
  void create(const Order& order);
  void remove() noexcept;

  CommandRunner* m_commands;
  VolumeName m_name;
  std::string m_id_tag;
  std::string m_uuid = {};
  ByteCount m_size = {};
};

struct NewVolumeRequest {
  VolumeName name;
  ByteCount size;                             // above 0; rounded up to whole extents
  std::optional<std::string> thin_pool = {};  // of the same group; a thick volume without
  VolumeOrigin from = {};
  std::chrono::milliseconds device_timeout = std::chrono::seconds(10);  // for udev
};

// The target of a copy. Signatures of what lay there before are wiped from a thick volume, so that
// nothing of this host takes it for its own; its other bytes are whatever they were: each one has
// to be written. A thin volume reads as zeros.
class NewVolume {
 public:
  // Error(not_found) for an unknown group or pool; Error(bad_input) for a name that LVM does not
  // take or that exists; Error(io) when the group is too full. Room in a pool is require_room()'s.
  NewVolume(const NewVolumeRequest& request, CommandRunner& commands);

  [[nodiscard]] const VolumeName& name() const noexcept { return m_volume.name(); }
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return m_path; }  // /dev/VG/LV
  [[nodiscard]] const std::string& uuid() const noexcept { return m_volume.uuid(); }
  [[nodiscard]] ByteCount size() const noexcept { return m_volume.size(); }  // as made
  void keep() noexcept { m_volume.give_up(); }

 private:
  OwnedVolume m_volume;
  std::filesystem::path m_path;
};

struct SnapshotRequest {
  VolumeName origin;
  std::string name;  // of the snapshot, in the same group
  // For what the guest writes meanwhile; of no use for a thin origin, whose pool takes it.
  ByteCount size;
  std::string job = {};
  std::chrono::milliseconds device_timeout = std::chrono::seconds(10);
};

// Error(io) if the guest wrote more than the snapshot had room for, so that it is of no use any
// more, or if it is gone. To be asked when all was read, and when reading failed.
void require_intact_snapshot(CommandRunner& commands, const VolumeName& name,
                             const std::string& uuid);

// A volume as it was at one moment, read-only, as the source of a guest that runs on: what a power
// cut would have left on it.
class Snapshot {
 public:
  // As for NewVolume; Error(not_found) for an unknown origin, Error(bad_input) for one that is no
  // plain volume (a snapshot, a pool) or that is not active.
  Snapshot(const SnapshotRequest& request, CommandRunner& commands);

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return m_path; }
  [[nodiscard]] const std::string& uuid() const noexcept { return m_volume.uuid(); }
  [[nodiscard]] const VolumeName& name() const noexcept { return m_volume.name(); }
  void require_intact() { require_intact_snapshot(m_commands, name(), uuid()); }
  void keep() noexcept { m_volume.give_up(); }

 private:
  CommandRunner& m_commands;
  OwnedVolume m_volume;
  std::filesystem::path m_path;
};

}  // namespace vmconvert::host
