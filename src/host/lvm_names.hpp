// Names in LVM: which are allowed, how they look as paths and in device-mapper, what fits in a tag.
// Rules seen in LVM 2.03.16 (lvm(8), "VALID NAMES") and in what its lvcreate refuses.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/subprocess.hpp"

namespace vmconvert::host {

struct VolumeName {
  std::string group;
  std::string volume;

  bool operator==(const VolumeName&) const = default;
};

std::string to_text(const VolumeName& name);                // vg0/web01
std::filesystem::path device_path(const VolumeName& name);  // /dev/vg0/web01
std::string device_mapper_name(const VolumeName& name);     // vg0-web01, dashes in names doubled

// A name that LVM may have given to a group or a volume: safe as a word of ours to its programs.
bool is_lvm_name(std::string_view name);

// Error(bad_input) with the rule that is broken, and the remedy --name, if LVM would not make a
// volume of this name: characters, ".", "..", reserved words, length.
void require_valid_name(const VolumeName& name);

// Any text as (part of) an LVM tag and back: what a tag cannot hold becomes +XX. At most 1024
// characters come out; what is longer is cut.
std::string to_tag(std::string_view text);
std::string from_tag(std::string_view tag);

// From device-mapper's name and uuid of a device: nothing for devices that are no logical volume,
// nor for LVM's own inner ones (-real, -cow, _tdata, ...).
std::optional<VolumeName> volume_from_device_mapper(std::string_view name, std::string_view uuid);

// By its shape alone, /dev/VG/LV or /dev/mapper/VG-LV: there may be no such volume.
std::optional<VolumeName> volume_from_path(const std::filesystem::path& path);

// What the path means: the kernel is asked about a device that is there, under any of its names
// (/dev/disk/by-id/..., links of your own); LVM about one that is not, because it is not active.
std::optional<VolumeName> volume_of(CommandRunner& commands, const std::filesystem::path& path);

}  // namespace vmconvert::host
