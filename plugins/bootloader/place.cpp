#include <algorithm>
#include <utility>

#include "bootloader.hpp"

namespace vmconvert::fixer::bootloader {
namespace {

struct FsModule {
  std::string_view type, module;
};
constexpr FsModule k_fs_modules[] = {
    {"ext2", "ext2"},         {"ext3", "ext2"},   {"ext4", "ext2"},
    {"xfs", "xfs"},           {"btrfs", "btrfs"}, {"jfs", "jfs"},
    {"reiserfs", "reiserfs"}, {"vfat", "fat"},    {"f2fs", "f2fs"}};

std::string fs_module(std::string_view type) {
  for (const FsModule& known : k_fs_modules) {
    if (known.type == type) {
      return std::string(known.module);
    }
  }
  return {};
}

// GRUB sees a btrfs from its top: the subvolume that the guest mounts is part of the path.
std::string subvolume(Host& guest, std::string_view mountpoint) {
  const auto text = guest.read_if_there("/etc/fstab");
  for (const Line& line : lines_of(text.value_or(""))) {
    const auto words = active_words(line.text);
    if (words.size() < 4 || words[1] != mountpoint || words[2] != "btrfs") {
      continue;
    }
    const std::string options = "," + std::string(words[3]);
    const std::size_t at = options.find(",subvol=");
    if (at != std::string::npos) {
      std::string name = options.substr(at + 8, options.find(',', at + 1) - at - 8);
      return name.empty() || name == "/" ? "" : (name.starts_with('/') ? "" : "/") + name;
    }
  }
  return {};
}

std::string doubled_dashes(std::string_view text) {
  std::string result;
  for (const char byte : text) {
    result += byte == '-' ? "--" : std::string(1, byte);
  }
  return result;
}

std::string table_module(const Facts& facts) {
  return !facts.disks.empty() && facts.disks[0].table == "gpt" ? "part_gpt" : "part_msdos";
}

// GRUB finds an array by its UUID, whatever its members are called.
void add_array(const Facts& facts, const Array& array, Place& place) {
  std::string digits = array.uuid;
  digits.erase(std::remove(digits.begin(), digits.end(), '-'), digits.end());
  place.device = "(mduuid/" + digits + ")";
  place.modules.push_back(table_module(facts));
  place.modules.push_back(array.metadata.starts_with("0.") ? "mdraid09" : "mdraid1x");
  if (array.level == "raid5" || array.level == "raid4") {
    place.modules.push_back("raid5rec");
  } else if (array.level == "raid6") {
    place.modules.push_back("raid6rec");
  }
}

// vda2 -> ("(,msdos2)", "(hd0,1)"). Without a drive GRUB takes the disk that it was loaded from,
// whatever its place among the disks.
bool find_partition(const Facts& facts, const std::string& device, Place& place) {
  for (std::size_t i = 0; i < facts.disks.size(); ++i) {
    const Disk& disk = facts.disks[i];
    if (!device.starts_with(disk.name)) {
      continue;
    }
    const auto number = small_number(device.substr(disk.name.size()));
    if (!number || *number == 0) {
      continue;
    }
    const std::string drive = "hd" + std::to_string(i);
    const std::string_view kind = disk.table == "gpt" ? "gpt" : "msdos";
    place.device =
        "(" + (i == 0 ? "" : drive) + "," + std::string(kind) + std::to_string(*number) + ")";
    place.legacy = "(" + drive + "," + std::to_string(*number - 1) + ")";
    place.modules.push_back("part_" + std::string(kind));
    return true;
  }
  return false;
}

}  // namespace

std::optional<Place> place_of_boot(Host& guest) {
  const Facts& facts = guest.facts();
  const std::string& device = facts.boot_device.empty() ? facts.root_device : facts.boot_device;
  const bool own = device != facts.root_device;
  const Filesystem* fs = facts.filesystem(device);
  const std::string module = fs == nullptr ? "" : fs_module(fs->type);
  Place place;
  place.modules = {"biosdisk"};
  bool found = find_partition(facts, device, place);
  if (const std::size_t slash = device.find('/'); !found && slash != std::string::npos) {
    place.device = "(lvm/" + doubled_dashes(device.substr(0, slash)) + "-" +
                   doubled_dashes(device.substr(slash + 1)) + ")";
    place.modules.insert(place.modules.end(), {table_module(facts), "lvm"});
    found = true;
  }
  if (!found && fs != nullptr && fs->array) {
    add_array(facts, *fs->array, place);
    found = true;
  }
  if (!found || module.empty()) {
    guest.finding("boot-device-unsupported", VMCONVERT_BLOCKS,
                  "/boot lies on " + device + " (" + (fs == nullptr ? "unknown" : fs->type) +
                      "), where the boot loader that vmconvert installs cannot read it",
                  "Move /boot to a partition with ext2, ext3, ext4, xfs or btrfs.");
    return std::nullopt;
  }
  place.modules.push_back(module);
  place.uuid = fs->uuid;
  place.boot_path = subvolume(guest, own ? "/boot" : "/") + (own ? "" : "/boot");
  return place;
}

}  // namespace vmconvert::fixer::bootloader
