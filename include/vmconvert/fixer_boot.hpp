// Kernels and initramfs images of a guest, header only: what is in /boot (staged files included),
// in which order, and which one is to be booted. Used by host-kernel, bootloader and initramfs, who
// must agree on it.
#pragma once

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>
#include <vmconvert/fixer_grub2.hpp>

namespace vmconvert::fixer {

struct BootKernel {
  std::string version;  // what follows "vmlinuz-"
  std::string image;    // path in the guest
  std::string initrd;   // path in the guest; empty if there is none
};

// Sorts like versions do when compared as bytes: numbers padded, the endings that distributions add
// (".el5", ".x86_64") left out, the version itself behind a tab. The same rule in awk stands in
// vmconvert-update-grub, so plan and guest agree on the order.
inline std::string version_key(std::string_view version) {
  std::string_view rest = version;
  for (std::size_t dot = rest.rfind('.'); dot != std::string_view::npos; dot = rest.rfind('.')) {
    const std::string_view ending = rest.substr(dot + 1);
    if (ending.empty() || std::isalpha(static_cast<unsigned char>(ending[0])) == 0 ||
        !std::all_of(ending.begin(), ending.end(), is_name_byte)) {
      break;
    }
    rest = rest.substr(0, dot);
  }
  std::string key;
  for (std::size_t at = 0; at < rest.size();) {
    std::size_t end = at;
    while (end < rest.size() && std::isdigit(static_cast<unsigned char>(rest[end])) != 0) {
      ++end;
    }
    if (end == at) {
      key += rest[at++];
      continue;
    }
    key.append(end - at < 12 ? 12 - (end - at) : 0, '0');
    key += rest.substr(at, end - at);
    at = end;
  }
  return key + "\t" + std::string(version);
}

// A menu with all that belongs to it: grubenv beside GRUB 2's, and boot loader entries.
inline Menu read_menu(Host& guest, const std::string& path) {
  const std::string text = guest.read(path);
  if (is_extlinux_menu(path)) {
    return parse_extlinux_menu(text, path);
  }
  if (!is_grub2_menu(path)) {
    return parse_legacy_menu(text);
  }
  const std::string grubenv =
      guest.read_if_there(path.substr(0, path.rfind('/')) + "/grubenv").value_or("");
  const std::string saved = grubenv_value(grubenv, "saved_entry");
  Menu menu = parse_grub2_menu(text, saved);
  if (!menu.entries.empty() || text.find("blscfg") == std::string::npos) {
    return menu;
  }
  std::vector<std::string> files = guest.glob("/boot/loader/entries/*.conf");
  constexpr std::size_t k_most = 256;
  files.resize(std::min(files.size(), k_most));
  for (const std::string& file : files) {
    menu.entries.push_back(
        parse_loader_entry(guest.read(file), file, grubenv_value(grubenv, "kernelopts")));
  }
  std::sort(menu.entries.begin(), menu.entries.end(), [](const MenuEntry& a, const MenuEntry& b) {
    return version_key(a.id) > version_key(b.id);
  });
  for (std::size_t i = 0; i < menu.entries.size(); ++i) {
    if (menu.entries[i].id == saved) {
      menu.default_entry = i;
    }
  }
  return menu;
}

// Names that could mean something to a shell or to GRUB are not taken from the guest.
inline bool is_version(std::string_view text) {
  return !text.empty() && text.size() < 200 && text.front() != '-' && text.front() != '.' &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return std::isalnum(c) != 0 ||
                  std::string_view("._+~-").find(static_cast<char>(c)) != std::string_view::npos;
         });
}

// The version in the header of an x86 Linux kernel ("HdrS" at 0x202, a pointer less 0x200 at
// 0x20e: Documentation/arch/x86/boot.rst); nothing if it is no bzImage.
inline std::optional<std::string> bzimage_version(std::string_view image) {
  if (image.size() < 0x210 || image.substr(0x202, 4) != "HdrS") {
    return std::nullopt;
  }
  const auto low = static_cast<unsigned char>(image[0x20e]);
  const auto high = static_cast<unsigned char>(image[0x20f]);
  const std::size_t at = 0x200U + low + 256U * high;
  if (at == 0x200 || at >= image.size()) {
    return std::nullopt;
  }
  const std::string_view text = image.substr(at, 200);
  const std::string_view version = text.substr(0, text.find_first_of(std::string_view(" \0", 2)));
  return is_version(version) ? std::optional(std::string(version)) : std::nullopt;
}

// A kernel of the old Xen patches, which cannot run without Xen. `config` is its /boot/config-*;
// without one the name tells: "el5xen", "ELxenU", SUSE's "-xen" and "-xenpae", Debian's
// "-xen-amd64" before 2.6.32. vmconvert-update-grub has the same rule.
inline bool is_xen_only(std::string_view version, const std::optional<std::string>& config) {
  if (config) {
    const std::string text = "\n" + *config;
    return text.find("\nCONFIG_X86_XEN=y") != std::string::npos ||
           text.find("\nCONFIG_X86_64_XEN=y") != std::string::npos;
  }
  for (const std::string_view ending : {"xen", "xenU", "xenpae"}) {
    if (version.ends_with(ending)) {
      return true;
    }
  }
  const bool old = version.starts_with("2.6.1") || version.starts_with("2.6.2") ||
                   version.starts_with("2.6.8") || version.starts_with("2.6.9");
  return old && version.find("xen") != std::string_view::npos;
}

inline bool is_xen_only(Host& guest, const std::string& version) {
  return is_xen_only(version, guest.read_if_there("/boot/config-" + version));
}

inline std::vector<std::string> initrd_names(const std::string& version) {
  return {"/boot/initrd.img-" + version, "/boot/initramfs-" + version + ".img",
          "/boot/initrd-" + version + ".img", "/boot/initrd-" + version,
          "/boot/initramfs-" + version};
}

inline std::string initrd_of(Host& guest, const std::string& version) {
  for (const std::string& path : initrd_names(version)) {
    if (guest.is_file(path)) {
      return path;
    }
  }
  return {};
}

inline bool has_modules(Host& guest, const std::string& version) {
  return guest.is_directory("/lib/modules/" + version);
}

enum class InitrdTool { none, update_initramfs, dracut, mkinitrd, mkinitcpio, mkinitfs };

inline std::string first_file(Host& guest, const std::vector<std::string>& paths) {
  for (const std::string& path : paths) {
    if (guest.is_file(path)) {
      return path;
    }
  }
  return {};
}

// Where the guest keeps the tool; empty if it is not there.
inline std::string path_of(Host& guest, InitrdTool tool) {
  switch (tool) {
    case InitrdTool::update_initramfs:
      return first_file(guest, {"/usr/sbin/update-initramfs", "/sbin/update-initramfs"});
    case InitrdTool::dracut:
      return first_file(guest, {"/usr/bin/dracut", "/sbin/dracut", "/usr/sbin/dracut"});
    case InitrdTool::mkinitrd:
      return first_file(guest, {"/sbin/mkinitrd", "/usr/sbin/mkinitrd", "/usr/bin/mkinitrd"});
    case InitrdTool::mkinitcpio:
      return first_file(guest, {"/usr/bin/mkinitcpio", "/sbin/mkinitcpio"});
    case InitrdTool::mkinitfs: return first_file(guest, {"/sbin/mkinitfs", "/usr/sbin/mkinitfs"});
    case InitrdTool::none: break;
  }
  return {};
}

inline InitrdTool initrd_tool(Host& guest) {
  for (const InitrdTool tool :
       {InitrdTool::update_initramfs, InitrdTool::dracut, InitrdTool::mkinitrd,
        InitrdTool::mkinitcpio, InitrdTool::mkinitfs}) {
    if (!path_of(guest, tool).empty()) {
      return tool;
    }
  }
  return InitrdTool::none;
}

// The name that the guest's tool gives to an image; empty if there is no tool or no modules.
inline std::string initrd_to_be_made(Host& guest, const std::string& version) {
  if (!has_modules(guest, version)) {
    return {};
  }
  switch (initrd_tool(guest)) {
    case InitrdTool::update_initramfs: return "/boot/initrd.img-" + version;
    case InitrdTool::dracut: return "/boot/initramfs-" + version + ".img";
    case InitrdTool::mkinitrd: {
      const bool suse = guest.facts().distribution.find("suse") != std::string::npos ||
                        guest.facts().distribution.starts_with("sle");
      return "/boot/initrd-" + version + (suse ? "" : ".img");
    }
    // Arch and Alpine name kernel and image after the package, not after the version.
    case InitrdTool::mkinitcpio:
    case InitrdTool::mkinitfs:
    case InitrdTool::none: break;
  }
  return {};
}

inline std::string version_of(std::string_view image) {
  const std::string_view name = base_name(image);
  return std::string(name.starts_with("vmlinuz-") ? name.substr(8) : name);
}

// The version whose modules belong to an image: what its name says, or, where no modules go by that
// name ("vmlinuz-linux", "vmlinuz-lts"), its header.
inline std::string kernel_version(Host& guest, const std::string& image) {
  std::string name = version_of(image);
  for (const std::string_view prefix : {"kernel-", "bzImage-"}) {
    name = name.starts_with(prefix) ? name.substr(prefix.size()) : name;
  }
  if (has_modules(guest, name)) {
    return name;
  }
  constexpr std::uint64_t k_largest = 128U << 20U;
  const auto inside = bzimage_version(guest.read(image, k_largest));
  return inside && has_modules(guest, *inside) ? *inside : name;
}

// Kernels in /boot that can run without Xen, newest first. vmconvert-update-grub has the same rule.
inline std::vector<BootKernel> boot_kernels(Host& guest) {
  constexpr std::string_view k_prefix = "/boot/vmlinuz-";
  std::vector<BootKernel> found;
  for (const std::string& path : guest.glob("/boot/vmlinuz-*")) {
    const std::string version = path.substr(std::min(path.size(), k_prefix.size()));
    if (is_version(version) && !is_leftover_copy(path) && guest.is_file(path) &&
        !is_xen_only(guest, version)) {
      found.push_back({kernel_version(guest, path), path, initrd_of(guest, version)});
    }
  }
  std::sort(found.begin(), found.end(), [](const BootKernel& a, const BootKernel& b) {
    return version_key(version_of(a.image)) > version_key(version_of(b.image));
  });
  return found;
}

// A path of a menu, as the guest has it: "(hd0,0)/vmlinuz-1" -> "/boot/vmlinuz-1". Links to a
// versioned name in the same folder are followed (/boot/vmlinuz, /vmlinuz).
inline std::string guest_path(Host& guest, std::string_view menu_path) {
  if (menu_path.starts_with('(')) {
    menu_path.remove_prefix(std::min(menu_path.find(')') + 1, menu_path.size()));
  }
  if (menu_path.starts_with("/@/")) {  // btrfs: the root's subvolume
    menu_path.remove_prefix(2);
  }
  if (!menu_path.starts_with('/') || menu_path.size() > 400) {
    return {};
  }
  const std::string plain(menu_path);
  const bool separate = guest.facts().boot_device != guest.facts().root_device;
  std::vector<std::string> candidates = {plain, "/boot" + plain};
  if (separate) {
    std::swap(candidates[0], candidates[1]);
  }
  const std::string path = first_file(guest, candidates);
  if (path.empty() || !guest.is_link(path)) {
    return path;
  }
  const std::string target(base_name(guest.read_link(path)));
  return guest.is_file("/boot/" + target) ? "/boot/" + target : path;
}

// A kernel that a menu names; nothing if it is not there or needs Xen.
inline std::optional<BootKernel> kernel_of(Host& guest, const MenuEntry& entry) {
  const std::string image = guest_path(guest, entry.kernel);
  const std::string name = version_of(image);
  if (image.empty() || entry.hypervisor || !is_version(name) || is_xen_only(guest, name)) {
    return std::nullopt;
  }
  std::string initrd = entry.initrd.empty() ? "" : guest_path(guest, entry.initrd);
  return BootKernel{kernel_version(guest, image), image,
                    initrd.empty() ? initrd_of(guest, name) : initrd};
}

// What a kernel of Xen's is named after: "2.6.18-400.el5xen" -> "2.6.18-400.el5".
inline std::string without_xen(std::string_view version) {
  std::string stem(version.substr(0, version.rfind("xen")));
  while (!stem.empty() && (stem.back() == '-' || stem.back() == '.')) {
    stem.pop_back();
  }
  return stem;
}

// The kernel that takes the place of one that cannot run on the target: its sister of the same
// version ("kernel" for "kernel-xen"), else the newest.
inline std::optional<BootKernel> kernel_instead_of(Host& guest, const std::string& version) {
  const std::vector<BootKernel> kernels = boot_kernels(guest);
  const std::string stem = without_xen(version);
  const BootKernel* best = nullptr;
  for (const BootKernel& kernel : kernels) {
    const bool usable = has_modules(guest, kernel.version) || !kernel.initrd.empty();
    const bool sister = !stem.empty() && kernel.version.starts_with(stem);
    if (usable && (best == nullptr || (sister && !best->version.starts_with(stem)))) {
      best = &kernel;
    }
  }
  return best == nullptr ? std::nullopt : std::optional(*best);
}

// What the finished guest boots by: the menu that its loader reads.
inline std::optional<std::string> target_menu_path(Host& guest) {
  constexpr std::string_view k_ours = "# Written by vmconvert-update-grub";
  const std::string generated = "/boot/grub/grub.cfg";
  const Facts& facts = guest.facts();
  const std::string loader = facts.disks.empty() ? "none" : facts.disks[0].loader;
  if (!facts.boots_disk) {
    return source_menu_path(guest);
  }
  if (loader == "grub-legacy") {
    return legacy_menu_path(guest);
  }
  if (loader == "other") {
    const auto extlinux = extlinux_menu_path(guest);
    return extlinux ? extlinux : source_menu_path(guest);
  }
  if (guest.is_file(generated) && guest.read(generated).starts_with(k_ours)) {
    return generated;
  }
  return grub2_menu_path(guest);
}

// For a guest whose kernel is kept on the hypervisor host: the guest's own kernel that takes its
// place. The same version is best, else the newest; it needs modules and an initrd, or a tool that
// makes one.
inline std::optional<BootKernel> own_kernel_instead_of(Host& guest, const std::string& version) {
  std::optional<BootKernel> best;
  for (BootKernel& kernel : boot_kernels(guest)) {
    if (!has_modules(guest, kernel.version)) {
      continue;
    }
    if (kernel.initrd.empty()) {
      kernel.initrd = initrd_to_be_made(guest, kernel.version);
    }
    if (!kernel.initrd.empty() && (!best || kernel.version == version)) {
      best = kernel;
    }
  }
  return best;
}

}  // namespace vmconvert::fixer
