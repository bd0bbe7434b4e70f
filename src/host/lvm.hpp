// Volume groups, thin pools and logical volumes of this host, through the program `lvm`.
//
// A group inside a guest's disk is never activated by what we do. Reports (vgs, lvs) activate
// nothing. The commands that change something (lvcreate, lvremove) name one volume in one group of
// the host and work on that alone; vgchange, pvscan and vgscan, which activate whole groups, are
// not called. The guest's metadata that we copy lies on a logical volume, where LVM does not look
// for groups (devices/scan_lvs is 0 by default); a host that sets it to 1 activates guests' groups
// by itself, with or without us.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/subprocess.hpp"
#include "base/units.hpp"
#include "host/lvm_names.hpp"

namespace vmconvert::host {

struct VolumeGroup {
  std::string name;
  std::string uuid;
  ByteCount extent_size;
  ByteCount size;
  ByteCount free;
  std::uint64_t extents = 0;
  std::uint64_t free_extents = 0;
  bool writable = true;
  bool exported = false;
  bool partial = false;  // a physical volume is missing
};

enum class Truth { no, yes, unknown };  // unknown: LVM could not ask the kernel

struct VolumeAttributes {
  char type = '-';  // lvs(8): - linear, o origin, s snapshot, V thin volume, t thin pool, ...
  Truth writable = Truth::unknown;
  Truth active = Truth::unknown;
  Truth open = Truth::unknown;
  Truth healthy = Truth::unknown;
  bool invalid_snapshot = false;  // it overflowed: reading it fails
};

struct LogicalVolume {
  VolumeName name;
  std::string uuid;
  ByteCount size;
  VolumeAttributes attributes;
  std::filesystem::path path;  // empty for a volume without a device of its own, such as a pool
  std::vector<std::string> tags = {};
  std::string origin = {};                  // the volume that this is a snapshot of
  std::string pool = {};                    // the thin pool that it lies in
  std::string segment_type = {};            // linear, striped, thin, thin-pool, ...
  std::optional<double> data_percent = {};  // of pools, thin volumes and snapshots, when active
};

struct ThinPool {
  VolumeName name;
  std::string uuid;
  ByteCount size;
  ByteCount metadata_size;
  ByteCount chunk_size;
  std::optional<double> data_percent;  // absent when the pool is not active
  std::optional<double> metadata_percent;
  bool zeroing = true;  // a new chunk is zeroed before its first write
  Truth healthy = Truth::unknown;
};

// Error(not_found) naming the groups that exist, Error(bad_input) if two groups have the name.
VolumeGroup volume_group(CommandRunner& commands, const std::string& name);
// All groups that this host sees; empty where LVM is not installed.
std::vector<VolumeGroup> volume_groups(CommandRunner& commands);
bool group_exists(CommandRunner& commands, const std::string& name);

// Nothing if the group has no such volume; Error(not_found) if there is no such group.
std::optional<LogicalVolume> logical_volume(CommandRunner& commands, const VolumeName& name);

// As above; Error(bad_input) if it is a volume and no thin pool.
std::optional<ThinPool> thin_pool(CommandRunner& commands, const VolumeName& name);
// The sizes of all volumes in a thin pool together: more than the pool has is a promise.
ByteCount provisioned_in(CommandRunner& commands, const VolumeName& pool);

std::uint64_t extents_for(ByteCount size, ByteCount extent_size);
// Error(internal) when the result does not fit.
ByteCount round_up_to_extents(ByteCount size, ByteCount extent_size);
// "197,003,649,024 bytes = 46,970 extents of 4 MiB"; the extents are rounded up.
std::string to_text_in_extents(ByteCount size, ByteCount extent_size);

// For all disks of a guest together, before the first is made: Error(io) if the group has fewer
// free extents; Error(bad_input) if nothing can be made in it (exported, read-only, partial).
void require_room(const VolumeGroup& group, std::span<const ByteCount> disks);
// `written`: for each disk, the bytes that will be written (not the size it will have). A full pool
// makes writers wait for a minute and then fail, and takes the other guests in it down as well.
// Error(io) with both numbers if data or metadata may not suffice, or if the pool is not active or
// not healthy.
void require_room(const ThinPool& pool, std::span<const ByteCount> written);

namespace lvm {

// One call of `lvm`, as {"lvs", "-o", ...}: its environment is as it should be. A change is never
// cut short by a signal to us: LVM suspends the devices that it works on, and who kills it leaves
// them so.
CommandResult ask(CommandRunner& commands, std::vector<std::string> words);
CommandResult change(CommandRunner& commands, std::vector<std::string> words);
// The text that says why a call failed: stderr without its warnings, on one line.
std::string why(const CommandResult& result);

}  // namespace lvm

}  // namespace vmconvert::host
