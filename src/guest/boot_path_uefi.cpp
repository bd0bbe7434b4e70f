// The boot path's first links with UEFI: the EFI system partition, the loader on it, and what that
// reads.
#include <fmt/format.h>

#include <algorithm>
#include <vmconvert/systemd_boot.hpp>

#include "base/text.hpp"
#include "guest/boot_path_steps.hpp"
#include "guest/device_names.hpp"
#include "guest/grub2_core.hpp"
#include "guest/inspect.hpp"
#include "guest/survey.hpp"

namespace vmconvert::guest {
namespace {

constexpr const char* k_install_loader =
    "let the bootloader fixer put it there (do not switch it off), or run grub-install --removable "
    "in "
    "the source";

using efi::child;

std::string read_loader(BootWalk& walk, const std::string& path) {
  return walk.guest.read(path, efi::k_largest_program);
}

bool is_program(std::string_view bytes) {
  return bytes.starts_with("MZ");
}

struct EfiPartition {
  const model::Filesystem* filesystem = nullptr;
  std::string folder;  // EFI
};

std::optional<EfiPartition> find_efi_partition(BootWalk& walk) {
  for (const char* mountpoint : {"/boot/efi", "/efi", "/boot"}) {
    for (const model::Filesystem& fs : walk.facts.filesystems) {
      if (fs.type == "vfat" && fs.mountpoint == mountpoint) {
        if (std::string folder = child(walk.guest, mountpoint, "EFI"); !folder.empty()) {
          return EfiPartition{&fs, std::move(folder)};
        }
      }
    }
  }
  return std::nullopt;
}

// A shim without its loader beside it starts a program that looks for the distribution's folder, by
// the file that names what is to be started there.
std::string folder_by_list(BootWalk& walk, const EfiPartition& esp, const std::string& folder) {
  const bool searches = !child(walk.guest, folder, "fbx64.efi").empty() ||
                        !child(walk.guest, folder, "fallback.efi").empty();
  for (const std::string& name :
       searches ? walk.guest.list(esp.folder) : std::vector<std::string>{}) {
    const std::string other = esp.folder + "/" + name;
    if (other != folder && (!child(walk.guest, other, "BOOTX64.CSV").empty() ||
                            !child(walk.guest, other, "boot.csv").empty())) {
      return other;
    }
  }
  return folder;
}

// `set prefix=($root)'/boot/grub'` in the few lines that lead to a menu elsewhere.
std::string prefix_in(std::string_view script) {
  for (const std::string& line : lines(script)) {
    const auto parts = words(line);
    if (parts.size() == 2 && parts[0] == "set" && parts[1].starts_with("prefix=")) {
      std::string path = parts[1].substr(std::string_view("prefix=").size());
      path.erase(0, path.rfind(')') + 1);
      path.erase(std::remove_if(path.begin(), path.end(),
                                [](char byte) { return byte == '\'' || byte == '"'; }),
                 path.end());
      return path.starts_with('/') ? path : std::string();
    }
  }
  return {};
}

// The folder that a script searches for and calls its prefix.
std::optional<std::string> folder_by_script(BootWalk& walk, const std::string& script) {
  const std::string prefix = prefix_in(script);
  // A script that only searches reads as an entry once a kernel is in it.
  const BootMenu menu = read_grub2_menu(script + "\nlinux /none\n");
  if (prefix.empty() || menu.entries.empty()) {
    return std::nullopt;
  }
  const BootEntry& found = menu.entries.front();
  if (found.search_uuid.empty() && found.search_label.empty()) {
    return std::nullopt;  // by a file, for one: Debian's loader does that when all else fails
  }
  const DeviceNames names{walk.facts.filesystems, {}, nullptr};
  if (!found.search_uuid.empty() && names.find("UUID=" + found.search_uuid) == nullptr) {
    return std::nullopt;
  }
  return entry_path(walk, found, prefix);
}

// Where GRUB looks for grub.cfg first: where its own script says, or in its prefix, which without a
// device is on the partition that it came from. Empty if that is nowhere in the guest.
std::string first_folder(BootWalk& walk, const EfiPartition& esp, const Grub2Core& core) {
  if (const auto folder =
          folder_by_script(walk, core.config + "\nset prefix=" + core.prefix + "\n")) {
    return *folder;
  }
  const auto end = core.prefix.find(')');
  if (core.prefix.starts_with('(') && end != std::string::npos) {
    return path_in_guest(walk, core.prefix.substr(0, end + 1), core.prefix.substr(end + 1))
        .value_or("");
  }
  return esp.filesystem->mountpoint + core.prefix;
}

std::optional<std::string> menu_of_grub(BootWalk& walk, const EfiPartition& esp,
                                        const std::string& loader, const Grub2Core& core) {
  const std::string beside = loader.substr(0, loader.rfind('/'));
  for (const std::string& folder : {first_folder(walk, esp, core), beside}) {
    const std::string menu = folder.empty() ? "" : child(walk.guest, folder, "grub.cfg");
    if (menu.empty()) {
      continue;
    }
    const std::string text = survey_text(walk.guest, menu);
    if (prefix_in(text).empty() || !read_grub2_menu(text).entries.empty()) {
      return menu;
    }
    const auto further = folder_by_script(walk, text);
    if (further && walk.guest.is_file(*further + "/grub.cfg")) {
      walk.found("loader files", fmt::format("{}, then {}/grub.cfg", menu, *further));
      return *further + "/grub.cfg";
    }
    walk.broken("loader files",
                fmt::format("{} leads to {}, and there is no grub.cfg", menu, prefix_in(text)),
                "run update-grub and grub-install in the source");
    return std::nullopt;
  }
  walk.broken(
      "loader files",
      fmt::format("GRUB looks for its menu in {}, and there is none", printable(core.prefix)),
      "run update-grub and grub-install in the source");
  return std::nullopt;
}

bool is_systemds(std::string_view bytes) {
  return efi::systemd_boot_version(bytes) || efi::read_unified_kernel(bytes);
}

std::optional<BootEntry> walk_program(BootWalk& walk, const EfiPartition& esp,
                                      const std::string& path, const std::string& bytes) {
  if (efi::systemd_boot_version(bytes)) {
    return walk_systemd_boot(walk, esp.filesystem->mountpoint, path, bytes);
  }
  if (efi::read_unified_kernel(bytes)) {
    return walk_unified_kernel(walk, path, bytes);
  }
  if (const auto core = read_grub2_efi(bytes)) {
    walk.found("loader core", fmt::format("GRUB 2 in {}, {} bytes, prefix {}", path, bytes.size(),
                                          printable(core->prefix)));
    const auto menu = menu_of_grub(walk, esp, path, *core);
    return menu ? walk_menu(walk, *menu) : std::nullopt;
  }
  // What another loader reads is not followed; GRUB's menu is what the guest's own tools keep.
  const std::string menu = find_menu(walk.guest, "grub2");
  if (menu.empty()) {
    walk.broken(
        "loader core",
        fmt::format("{} is no GRUB 2, no systemd-boot and no unified kernel image, and there "
                    "is no menu of GRUB's",
                    path),
        "try the guest with --trial, and accept this finding (--accept boot-path-broken)");
    return std::nullopt;
  }
  walk.found("loader core", path + ", whose own files are not followed");
  return walk_menu(walk, menu);
}

}  // namespace

std::optional<BootEntry> walk_uefi(BootWalk& walk) {
  const auto esp = find_efi_partition(walk);
  if (!esp) {
    walk.broken("EFI system partition",
                "no FAT filesystem with a folder EFI is mounted at /boot/efi, /efi or /boot",
                "add the EFI system partition to the guest's /etc/fstab");
    return std::nullopt;
  }
  walk.found("EFI system partition",
             fmt::format("{} at {}", esp->filesystem->device, esp->filesystem->mountpoint));
  const std::string folder = child(walk.guest, esp->folder, "BOOT");
  const std::string name = walk.facts.arch == "x86_64" ? "BOOTX64.EFI" : "BOOTIA32.EFI";
  const std::string first = folder.empty() ? "" : child(walk.guest, folder, name);
  const std::string bytes = first.empty() ? std::string() : read_loader(walk, first);
  if (!is_program(bytes)) {
    walk.broken("loader",
                fmt::format("the firmware starts {}/BOOT/{}, which is {}", esp->folder, name,
                            first.empty() ? "missing" : "no program"),
                k_install_loader);
    return std::nullopt;
  }
  walk.found("loader", first);
  if (is_systemds(bytes) || read_grub2_efi(bytes)) {
    return walk_program(walk, *esp, first, bytes);
  }
  std::string beside = child(walk.guest, folder, "grubx64.efi");
  if (beside.empty()) {
    beside = child(walk.guest, folder, "grub.efi");
  }
  if (beside.empty()) {
    beside = child(walk.guest, folder_by_list(walk, *esp, folder), "grubx64.efi");
  }
  return beside.empty() ? walk_program(walk, *esp, first, bytes)
                        : walk_program(walk, *esp, beside, read_loader(walk, beside));
}

}  // namespace vmconvert::guest
