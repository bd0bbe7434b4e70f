#include "guest/boot_path.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "base/text.hpp"
#include "guest/boot_path_steps.hpp"
#include "guest/device_names.hpp"
#include "guest/lvm_ids.hpp"

namespace vmconvert::guest {
namespace {

// "(hd0,msdos1)" and "(hd0,1)" -> 0 and 1; "(,gpt2)" means the disk that was booted from.
struct GrubDevice {
  std::size_t disk = 0;
  std::optional<unsigned> partition;
};

std::optional<GrubDevice> parse_grub_device(std::string_view text) {
  GrubDevice device;
  const auto comma = text.find(',');
  const std::string_view disk = text.substr(0, comma);
  if (!disk.empty()) {
    const auto number = disk.starts_with("hd") ? parse_number(disk.substr(2)) : std::nullopt;
    if (!number || *number > 255) {
      return std::nullopt;
    }
    device.disk = static_cast<std::size_t>(*number);
  }
  if (comma == std::string_view::npos) {
    return device;
  }
  std::string_view part = text.substr(comma + 1);
  part.remove_prefix(std::min(part.find_first_of("0123456789"), part.size()));
  const auto number = parse_number(part);
  if (!number || *number > 255) {
    return std::nullopt;
  }
  device.partition = static_cast<unsigned>(*number);
  return device;
}

// What loaders see of a mirror whose superblock is at the end: the filesystem itself.
const model::Filesystem* filesystem_in_mirror(const BootWalk& walk,
                                              const model::Filesystem& member) {
  for (const model::Filesystem& fs : walk.facts.filesystems) {
    if (fs.array && fs.array->uuid == member.uuid && fs.array->level == "raid1" &&
        (fs.array->metadata == "1.0" || fs.array->metadata.starts_with("0."))) {
      return &fs;
    }
  }
  return nullptr;
}

const model::Filesystem* filesystem_on(const BootWalk& walk, const std::string& device) {
  const auto& all = walk.facts.filesystems;
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&](const model::Filesystem& fs) { return fs.device == device; });
  if (found != all.end() && found->type == "linux_raid_member") {
    return filesystem_in_mirror(walk, *found);
  }
  return found == all.end() ? nullptr : &*found;
}

// GRUB's "mduuid/" has the UUID's digits alone.
const model::Filesystem* filesystem_of_array(const BootWalk& walk, std::string_view digits) {
  for (const model::Filesystem& fs : walk.facts.filesystems) {
    if (fs.array && replace_all(fs.array->uuid, "-", "") == digits) {
      return &fs;
    }
  }
  return nullptr;
}

std::optional<std::string> path_on(const BootWalk& walk, const model::Filesystem* fs,
                                   const std::string& path) {
  if (fs == nullptr || fs->mountpoint.empty() || !path.starts_with('/')) {
    return std::nullopt;
  }
  std::string full = (fs->mountpoint == "/" ? "" : fs->mountpoint) + path;
  // GRUB sees a btrfs from its top, the guest from the subvolume that it mounts.
  const auto second = path.find('/', 1);
  if (fs->type == "btrfs" && second != std::string::npos && !walk.guest.exists(full)) {
    full = (fs->mountpoint == "/" ? "" : fs->mountpoint) + path.substr(second);
  }
  return full;
}

// "VGUUID/LVUUID", as grub-install writes it into a core whose /boot is a logical volume. Empty
// when none of the guest's physical volumes says of it.
std::string volume_of_lvmid(const BootWalk& walk, std::string_view ids) {
  const auto slash = ids.find('/');
  if (slash == std::string_view::npos) {
    return {};
  }
  for (const model::Filesystem& fs : walk.facts.filesystems) {
    if (fs.type == "LVM2_member") {
      std::string volume =
          volume_of_ids(walk.guest, fs.device, ids.substr(0, slash), ids.substr(slash + 1));
      if (!volume.empty()) {
        return volume;
      }
    }
  }
  return {};
}

std::optional<BootEntry> entry_of(BootWalk& walk, const std::optional<std::string>& menu) {
  return menu ? walk_menu(walk, *menu) : std::nullopt;
}

}  // namespace

const model::Filesystem* filesystem_of_grub(const BootWalk& walk, std::string_view device) {
  if (device.starts_with('(') && device.ends_with(')')) {
    device = device.substr(1, device.size() - 2);
  }
  if (device.starts_with("lvm/")) {
    return filesystem_on(walk, volume_of_mapper_name(device.substr(4)));
  }
  if (device.starts_with("lvmid/")) {
    return filesystem_on(walk, volume_of_lvmid(walk, device.substr(6)));
  }
  if (device.starts_with("mduuid/")) {
    return filesystem_of_array(walk, device.substr(7));
  }
  if (device.starts_with("md")) {
    const DeviceNames names{walk.facts.filesystems, {}, nullptr};
    return names.find("/dev/" + std::string(device));
  }
  const auto parsed = parse_grub_device(device);
  if (!parsed || parsed->disk >= walk.layout.disks.size()) {
    return nullptr;
  }
  const std::string& disk = walk.layout.disks[parsed->disk].name;
  return filesystem_on(walk,
                       parsed->partition ? model::partition_name(disk, *parsed->partition) : disk);
}

std::optional<std::string> path_in_guest(const BootWalk& walk, const std::string& device,
                                         const std::string& path) {
  const model::Filesystem* fs = device.empty() ? filesystem_on(walk, walk.facts.boot_device)
                                               : filesystem_of_grub(walk, device);
  return path_on(walk, fs, path);
}

std::optional<std::string> entry_path(const BootWalk& walk, const BootEntry& entry,
                                      const std::string& path) {
  if (entry.in_guest) {
    return path;
  }
  const DeviceNames names{walk.facts.filesystems, {}, nullptr};
  const model::Filesystem* fs = nullptr;
  if (!entry.search_uuid.empty()) {
    fs = names.find("UUID=" + entry.search_uuid);
  } else if (!entry.search_label.empty()) {
    fs = names.find("LABEL=" + entry.search_label);
  }
  // pygrub looks nowhere but where it found the menu.
  if (walk.by_pygrub) {
    return path_in_guest(walk, {}, path);
  }
  return fs != nullptr ? path_on(walk, fs, path) : path_in_guest(walk, entry.device, path);
}

bool BootPath::complete() const {
  return !links.empty() &&
         std::all_of(links.begin(), links.end(), [](const BootLink& link) { return link.ok; });
}

model::Findings BootPath::findings() const {
  model::Findings result;
  for (const BootLink& link : links) {
    if (!link.ok) {
      result.push_back(
          {"boot-path-broken", model::Severity::blocks,
           fmt::format("The guest would not boot: {}: {}", link.name, printable(link.what)),
           link.remedy});
    }
  }
  return result;
}

BootPath walk_boot_path(GuestRoot& guest, const model::GuestFacts& facts,
                        const model::Layout& layout, model::TargetHypervisor to,
                        const model::Hardware& hardware,
                        const std::optional<model::DirectBoot>& host_kernel) {
  const model::GuestFacts seen_facts = in_guest(hardware, layout, facts);
  const model::Layout seen_layout = in_guest(hardware, layout);
  const bool xen = to == model::TargetHypervisor::xen && !hardware.made_hvm;
  BootWalk walk{guest, seen_facts, seen_layout, to, hardware.disk_bus, xen};
  const bool by_host = xen && host_kernel.has_value();
  const std::optional<BootEntry> entry =
      by_host                 ? std::nullopt
      : hardware.uefi && !xen ? walk_uefi(walk)
                              : entry_of(walk, xen ? walk_pygrub(walk) : walk_loader(walk));
  std::string init;
  if (by_host) {
    init = walk_host_kernel(walk, *host_kernel).argument("init");
  } else if (entry) {
    walk_entry(walk, *entry);
    init = entry->argument("init");
  }
  walk_fstab(walk);
  walk_init(walk, init);
  return walk.path;
}

}  // namespace vmconvert::guest
