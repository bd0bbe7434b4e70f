// UEFI guests, header only: the EFI system partition, and what is started from it where that is not
// GRUB: systemd-boot's entries, kernels with their initrd and their arguments in one program. Used
// by host-kernel, bootloader and initramfs, who must agree on it.
#pragma once

#include <vmconvert/fixer_boot.hpp>
#include <vmconvert/systemd_boot.hpp>

namespace vmconvert::fixer {

struct EfiPartition {
  std::string mountpoint;
  std::string folder;  // EFI, in the letters that it has
};

inline std::optional<EfiPartition> efi_partition(Host& guest) {
  for (const char* mountpoint : {"/boot/efi", "/efi", "/boot"}) {
    for (const Filesystem& fs : guest.facts().filesystems) {
      if (fs.type != "vfat" || fs.mountpoint != mountpoint) {
        continue;
      }
      if (std::string folder = efi::child(guest, mountpoint, "EFI"); !folder.empty()) {
        return EfiPartition{mountpoint, std::move(folder)};
      }
    }
  }
  return std::nullopt;
}

// What the firmware of a new machine starts.
inline std::string fallback_name(const Facts& facts) {
  return facts.arch == "x86_64" ? "BOOTX64.EFI" : "BOOTIA32.EFI";
}

// Empty where GRUB, or something unknown, is started from the partition. Where nothing is there
// yet, what systemd-boot would start: the bootloader fixer copies it to its place.
inline efi::LoaderMenu systemd_menu(Host& guest) {
  const auto esp = guest.facts().uefi ? efi_partition(guest) : std::nullopt;
  if (!esp) {
    return {};
  }
  const std::string folder = efi::child(guest, esp->folder, "BOOT");
  const std::string first =
      folder.empty() ? "" : efi::child(guest, folder, fallback_name(guest.facts()));
  // A shim starts what has this name beside it, be it GRUB or not.
  const std::string second = first.empty() ? "" : efi::child(guest, folder, "grubx64.efi");
  const auto partitions = efi::loader_partitions(guest, guest.facts().filesystems, esp->mountpoint);
  const auto menu = [&](std::string_view version) {
    return efi::read_loader_menu(guest, partitions, guest.facts().arch, version);
  };
  for (const std::string& path : {first, second}) {
    const std::string program =
        path.empty() ? std::string() : guest.read(path, efi::k_largest_program);
    if (const auto version = efi::systemd_boot_version(program)) {
      return menu(*version);
    }
    if (auto image = efi::read_image(program, path)) {
      return {{std::move(*image)}, 0};
    }
  }
  return first.empty() ? menu({}) : efi::LoaderMenu();
}

inline bool is_unified(const BootKernel& kernel) {
  return !kernel.initrd.empty() && kernel.initrd == kernel.image;
}

inline std::string unified_version(std::string_view program) {
  const auto image = efi::read_unified_kernel(program);
  const std::string named = image && is_version(image->version) ? image->version : std::string();
  return image ? bzimage_version(image->kernel).value_or(named) : named;
}

// What an entry boots. The initrd inside a unified kernel image goes by the image's own name.
inline BootKernel kernel_of(Host& guest, const efi::LoaderEntry& entry) {
  const std::string program = guest.read(entry.program, efi::k_largest_program);
  const auto image = efi::read_unified_kernel(program);
  BootKernel kernel{image ? unified_version(program)
                          : bzimage_version(program).value_or(version_of(entry.program)),
                    entry.program, entry.initrds.empty() ? "" : entry.initrds.back()};
  if (image && !image->initrd.empty()) {
    kernel.initrd = entry.program;
  }
  return kernel;
}

// Unified kernel images: those that systemd-boot finds, and one that the firmware starts itself.
inline std::vector<std::string> unified_kernels(Host& guest) {
  const auto esp = guest.facts().uefi ? efi_partition(guest) : std::nullopt;
  std::vector<std::string> folders;
  if (esp) {
    folders = {esp->mountpoint + "/EFI/Linux", efi::child(guest, esp->folder, "BOOT")};
    if (esp->mountpoint != "/boot") {
      folders.emplace_back("/boot/EFI/Linux");
    }
  }
  std::vector<std::string> found;
  constexpr std::size_t k_most = 32;
  for (const std::string& folder : folders) {
    for (const std::string& name :
         folder.empty() ? std::vector<std::string>() : guest.list(folder)) {
      const std::string path = folder + "/" + name;
      if (lower(name).ends_with(".efi") && guest.is_file(path) && found.size() < k_most &&
          efi::read_unified_kernel(guest.read(path, efi::k_largest_program))) {
        found.push_back(path);
      }
    }
  }
  return found;
}

// All kernels that a menu could start, wherever they lie; some may come twice.
inline std::vector<BootKernel> all_boot_kernels(Host& guest) {
  std::vector<BootKernel> kernels = boot_kernels(guest);
  for (const efi::LoaderEntry& entry : systemd_menu(guest).entries) {
    kernels.push_back(kernel_of(guest, entry));
  }
  return kernels;
}

// The kernel that systemd-boot, or the firmware itself, boots by default.
inline std::optional<BootKernel> systemd_kernel(Host& guest) {
  const efi::LoaderMenu menu = systemd_menu(guest);
  return menu.chosen ? std::optional(kernel_of(guest, menu.entries[*menu.chosen])) : std::nullopt;
}

}  // namespace vmconvert::fixer
