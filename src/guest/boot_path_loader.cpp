// The boot path's first links: what the BIOS and the loader read.
#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"
#include "guest/boot_path_steps.hpp"
#include "guest/boot_sector.hpp"
#include "guest/device_names.hpp"
#include "guest/grub2_core.hpp"
#include "guest/inspect.hpp"

namespace vmconvert::guest {
namespace {

constexpr std::uint32_t k_most_core_sectors = 8192;
constexpr const char* k_install_grub =
    "let the bootloader fixer install GRUB (do not switch it off), or install it in the source";

bool is_blank(std::string_view sector) {
  return sector.find_first_not_of('\0') == std::string_view::npos;
}

// Nothing if the sectors are not all on the disk.
std::optional<std::string> read_sectors(BootWalk& walk, std::uint64_t first, std::uint64_t count) {
  const model::TargetDisk& disk = walk.layout.disks.front();
  const std::uint64_t total = disk.size.value / k_sector_size;
  if (first >= total || count > total - first) {
    return std::nullopt;
  }
  return walk.guest.read_disk(disk.name, first * k_sector_size, count * k_sector_size);
}

struct Core {
  std::uint64_t sector = 0;
  std::string bytes;
};

// Boot.img names the core's first sector, that one names the rest.
std::optional<Core> read_core(BootWalk& walk, const std::string& boot_sector) {
  const std::string name = "loader core";
  Core core{grub2_core_sector(boot_sector), {}};
  const auto first = read_sectors(walk, core.sector, 1);
  if (core.sector == 0 || !first || is_blank(*first)) {
    walk.broken(
        name,
        fmt::format("GRUB 2's boot sector loads sector {}, and nothing is there", core.sector),
        k_install_grub);
    return std::nullopt;
  }
  const auto rest = grub2_core_rest(*first);
  const auto bytes = rest && rest->count <= k_most_core_sectors
                         ? read_sectors(walk, rest->sector, rest->count)
                         : std::nullopt;
  if (!bytes || is_blank(*bytes)) {
    walk.broken(
        name, fmt::format("the list of blocks at the end of sector {} leads nowhere", core.sector),
        k_install_grub);
    return std::nullopt;
  }
  core.bytes = *first + *bytes;
  return core;
}

// Where "(,msdos1)/boot/grub" is in the guest; the path alone is on the filesystem that the core's
// own script searches for, if it has one.
std::optional<std::string> prefix_folder(BootWalk& walk, const Grub2Core& core) {
  const auto end = core.prefix.find(')');
  if (core.prefix.starts_with('(') && end != std::string::npos) {
    return path_in_guest(walk, core.prefix.substr(0, end + 1), core.prefix.substr(end + 1));
  }
  BootEntry script;
  if (!core.config.empty()) {
    // A script that only searches reads as an entry once a kernel is in it.
    const BootMenu menu = read_grub2_menu(core.config + "\nlinux /none\n");
    script = menu.entries.empty() ? script : menu.entries.front();
    const DeviceNames names{walk.facts.filesystems, {}, nullptr};
    if (!script.search_uuid.empty() && names.find("UUID=" + script.search_uuid) == nullptr) {
      return std::nullopt;
    }
  }
  return entry_path(walk, script, core.prefix);
}

// The folder with the loader's modules and its menu.
std::optional<std::string> loader_folder(BootWalk& walk, const std::optional<Grub2Core>& core) {
  if (core) {
    auto folder = prefix_folder(walk, *core);
    if (!folder) {
      walk.broken("loader files",
                  fmt::format("GRUB looks for its files in {}, and no mounted filesystem of the "
                              "guest is there",
                              core->prefix),
                  k_install_grub);
    }
    return folder;
  }
  for (const char* folder : {"/boot/grub", "/boot/grub2"}) {
    if (walk.guest.is_file(std::string(folder) + "/grub.cfg")) {
      return folder;
    }
  }
  walk.broken("loader files", "neither /boot/grub nor /boot/grub2 holds a grub.cfg",
              k_install_grub);
  return std::nullopt;
}

std::optional<std::string> walk_grub2(BootWalk& walk, const std::string& boot_sector) {
  const auto core = read_core(walk, boot_sector);
  if (!core) {
    return std::nullopt;
  }
  const auto contents = read_grub2_core(core->bytes);
  walk.found("loader core",
             fmt::format("{} bytes from sector {}{}", core->bytes.size(), core->sector,
                         contents ? ", prefix " + printable(contents->prefix) : std::string()));
  const auto folder = loader_folder(walk, contents);
  if (!folder) {
    return std::nullopt;
  }
  const std::string modules = *folder + "/i386-pc/normal.mod";
  const std::string menu = *folder + "/grub.cfg";
  for (const std::string& path : {modules, menu}) {
    if (!walk.guest.is_file(path)) {
      walk.broken("loader files", fmt::format("{} is missing", path), k_install_grub);
      return std::nullopt;
    }
  }
  walk.found("loader files", modules + ", " + menu);
  return menu;
}

// stage1 loads either a stage1.5, which reads stage2 from its filesystem, or stage2 by its sector.
bool walk_legacy_stages(BootWalk& walk, const std::string& boot_sector) {
  constexpr std::uint64_t k_stage_sectors = 2;
  const std::uint32_t sector = grub_legacy_next_sector(boot_sector);
  const auto stage = read_sectors(walk, sector, k_stage_sectors);
  if (sector == 0 || !stage || is_blank(*stage)) {
    walk.broken("loader core",
                fmt::format("GRUB's stage1 loads sector {}, and nothing is there", sector),
                k_install_grub);
    return false;
  }
  const std::string stage2 = grub_legacy_stage2_path(*stage);
  walk.found("loader core", fmt::format("stage from sector {}{}", sector,
                                        stage2.empty() ? "" : ", then " + printable(stage2)));
  return true;
}

std::optional<std::string> walk_legacy(BootWalk& walk, const std::string& boot_sector) {
  if (!walk_legacy_stages(walk, boot_sector)) {
    return std::nullopt;
  }
  const std::string stage2 = "/boot/grub/stage2";
  const std::string menu = find_menu(walk.guest, "grub-legacy");
  if (!walk.guest.is_file(stage2) || menu.empty()) {
    walk.broken(
        "loader files",
        fmt::format("{} is missing", menu.empty() ? "/boot/grub/menu.lst (or grub.conf)" : stage2),
        k_install_grub);
    return std::nullopt;
  }
  walk.found("loader files", stage2 + ", " + menu);
  return menu;
}

// Syslinux' boot code starts the partition's own, which loads ldlinux.sys by its sectors.
bool is_extlinux_partition(BootWalk& walk) {
  for (const model::TargetDisk& disk : walk.layout.disks) {
    for (const model::Partition& part : disk.partitions) {
      if (model::partition_name(disk.name, part.number) == walk.facts.boot_device) {
        const std::string start = walk.guest.read_disk(disk.name, part.start.value, k_sector_size);
        return start.find("EXTLINUX") != std::string::npos ||
               start.find("SYSLINUX") != std::string::npos;
      }
    }
  }
  return false;
}

std::optional<std::string> walk_extlinux(BootWalk& walk) {
  const std::string menu = find_menu(walk.guest, "extlinux");
  const std::string folder = menu.substr(0, menu.rfind('/') + 1);
  walk.found("loader core", "extlinux in the first sector of " + walk.facts.boot_device);
  if (menu.empty() || !walk.guest.is_file(folder + "ldlinux.sys")) {
    walk.broken("loader files",
                menu.empty() ? "/boot/extlinux.conf is missing" : folder + "ldlinux.sys is missing",
                "install extlinux in the source again");
    return std::nullopt;
  }
  walk.found("loader files", folder + "ldlinux.sys, " + menu);
  return menu;
}

}  // namespace

std::optional<std::string> walk_loader(BootWalk& walk) {
  const std::string name = "boot sector";
  if (walk.layout.disks.empty() || walk.layout.disks.front().size.value < k_sector_size) {
    walk.broken(name, "the guest has no disk to boot from", "check the guest's disks");
    return std::nullopt;
  }
  const std::string& disk = walk.layout.disks.front().name;
  const std::string sector = walk.guest.read_disk(disk, 0, k_sector_size);
  const std::string loader = boot_sector_loader(sector);
  if (loader == "unknown" && is_extlinux_partition(walk)) {
    walk.found(name, fmt::format("boot code of {}", disk));
    return walk_extlinux(walk);
  }
  if (loader != "grub2" && loader != "grub-legacy") {
    walk.broken(name,
                loader == "none"
                    ? fmt::format("{} has no boot code in sector 0", disk)
                    : fmt::format("{} has boot code of a loader that is not known here", disk),
                k_install_grub);
    return std::nullopt;
  }
  walk.found(name, fmt::format("{} of {}", loader == "grub2" ? "GRUB 2" : "GRUB legacy", disk));
  return loader == "grub2" ? walk_grub2(walk, sector) : walk_legacy(walk, sector);
}

std::optional<std::string> walk_pygrub(BootWalk& walk) {
  const std::string menu = find_menu(walk.guest, "none");
  if (menu.empty()) {
    walk.broken("menu", "pygrub finds no menu: none of /boot/grub/grub.cfg, menu.lst, grub.conf",
                "give the guest a /boot/grub/menu.lst");
    return std::nullopt;
  }
  return menu;
}

}  // namespace vmconvert::guest
