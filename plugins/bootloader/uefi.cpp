// A UEFI guest's loader on its EFI system partition. The old machine's variable store named it; the
// new machine's is empty, and its firmware starts EFI/BOOT/BOOTX64.EFI.
#include <algorithm>
#include <array>

#include "bootloader.hpp"

namespace vmconvert::fixer::bootloader {
namespace {

constexpr std::uint64_t k_largest_loader = 64U << 20U;

// What a distribution installs into its own folder below EFI. The shim starts the one that it knows
// by name, from the folder that it was started from.
struct LoaderNames {
  std::string_view shim, grub, keys;
};
constexpr std::array<LoaderNames, 3> k_loaders = {{{"shimx64.efi", "grubx64.efi", "mmx64.efi"},
                                                   {"shim.efi", "grub.efi", "MokManager.efi"},
                                                   {"shimia32.efi", "grubia32.efi", "mmia32.efi"}}};
// Systemd-boot needs nothing beside it.
constexpr std::array<std::string_view, 2> k_lone_loaders = {"systemd-bootx64.efi",
                                                            "systemd-bootia32.efi"};

using efi::child;

struct Loader {
  std::string folder;
  std::string first;                // what the firmware is to start
  std::vector<std::string> beside;  // with the names that they have
};

std::optional<Loader> loader_in(Host& guest, const std::string& folder) {
  for (const LoaderNames& names : k_loaders) {
    const std::string shim = child(guest, folder, names.shim);
    const std::string grub = child(guest, folder, names.grub);
    if (grub.empty()) {
      continue;
    }
    Loader loader{folder, shim.empty() ? grub : shim, {}};
    if (!shim.empty()) {
      loader.beside = {grub, child(guest, folder, names.keys)};
    }
    // A few lines that lead to the menu in /boot; a whole menu would soon be an old one.
    const std::string config = child(guest, folder, "grub.cfg");
    if (!config.empty() && parse_grub2_menu(guest.read(config), {}).entries.empty()) {
      loader.beside.push_back(config);
    }
    loader.beside.erase(std::remove(loader.beside.begin(), loader.beside.end(), ""),
                        loader.beside.end());
    return loader;
  }
  for (const std::string_view name : k_lone_loaders) {
    if (const std::string found = child(guest, folder, name); !found.empty()) {
      return Loader{folder, found, {}};
    }
  }
  return std::nullopt;
}

// os-release's ID and the folder's name: "debian" and "debian", "rhel" and "redhat",
// "opensuse-leap" and "opensuse".
bool is_folder_of(std::string_view folder, std::string_view distribution) {
  const std::string name = lower(folder);
  return !distribution.empty() &&
         (distribution.starts_with(name) ||
          ((distribution == "rhel" || distribution == "ol") && name == "redhat"));
}

// The distribution's own, else all that there are.
std::vector<Loader> own_loaders(Host& guest, const std::string& efi) {
  std::vector<Loader> others;
  for (const std::string& name : guest.list(efi)) {
    if (lower(name) == "boot") {
      continue;
    }
    auto loader = loader_in(guest, efi + "/" + name);
    if (loader && is_folder_of(name, guest.facts().distribution)) {
      return {std::move(*loader)};
    }
    if (loader) {
      others.push_back(std::move(*loader));
    }
  }
  return others;
}

// Empty if no EFI system partition is mounted.
std::string efi_folder(Host& guest) {
  const auto esp = efi_partition(guest);
  return esp ? esp->folder : std::string();
}

// FAT keeps no modes: this is the one that its files are shown with.
constexpr unsigned k_fat_mode = 0755;

void copy(Host& guest, const std::string& from, const std::string& to) {
  guest.write(to, guest.read(from, k_largest_loader), k_fat_mode);
}

// A guest without a loader, whose variable store named the image itself.
bool copy_unified_kernel(Host& guest, const std::string& to) {
  const efi::LoaderMenu menu = systemd_menu(guest);
  const efi::LoaderEntry* entry = menu.chosen ? &menu.entries[*menu.chosen] : nullptr;
  if (entry == nullptr || entry->file != entry->program) {
    return false;
  }
  guest.write(to, guest.read(entry->program, efi::k_largest_program), k_fat_mode);
  guest.finding("uki-copied", VMCONVERT_WARNS,
                "The guest has no boot loader: its old machine's firmware started " +
                    entry->program + ". It is copied to " + to +
                    ", where the new one's looks. The guest's own tools will not renew that copy",
                "In the converted guest, run bootctl install, or enter the image in the firmware "
                "(efibootmgr) and remove the copy.");
  return true;
}

}  // namespace

std::vector<std::string> menus_on_esp(Host& guest) {
  std::vector<std::string> found;
  const std::string efi = efi_folder(guest);
  for (const std::string& name : efi.empty() ? std::vector<std::string>{} : guest.list(efi)) {
    if (const std::string menu = child(guest, efi + "/" + name, "grub.cfg"); !menu.empty()) {
      found.push_back(menu);
    }
  }
  return found;
}

void give_fallback_loader(Host& guest) {
  const std::string efi = efi_folder(guest);
  if (efi.empty()) {
    guest.finding(
        "efi-partition-not-found", VMCONVERT_WARNS,
        "The guest boots by UEFI, and neither its fstab nor its systemd mounts an EFI "
        "system partition: nobody looked whether there is a loader that the new machine finds",
        "Add it to the guest's /etc/fstab as /boot/efi, or try the guest with --trial.");
    return;
  }
  const std::string name = fallback_name(guest.facts());
  const std::string there = child(guest, efi, "BOOT");
  const std::string folder = there.empty() ? efi + "/BOOT" : there;
  if (!child(guest, folder, name).empty()) {
    return;
  }
  const std::vector<Loader> loaders = own_loaders(guest, efi);
  if (loaders.empty() && copy_unified_kernel(guest, folder + "/" + name)) {
    return;
  }
  if (loaders.size() != 1) {
    guest.finding("efi-loader-not-known", VMCONVERT_WARNS,
                  "The new machine's firmware starts " + folder + "/" + name +
                      ", which is not there, and which of the loaders in " + efi +
                      " belongs there is not known",
                  "Copy the guest's loader to that name in the source: grub-install --removable.");
    return;
  }
  for (const std::string& path : loaders[0].beside) {
    const std::string beside(base_name(path));
    if (child(guest, folder, beside).empty()) {
      copy(guest, path, folder + "/" + beside);
    }
  }
  copy(guest, loaders[0].first, folder + "/" + name);
}

}  // namespace vmconvert::fixer::bootloader
