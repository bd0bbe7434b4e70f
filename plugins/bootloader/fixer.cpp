// A disk that the firmware can start, and a menu that boots what the guest boots today. A guest
// that has a loader in its disk keeps it with its own configuration, corrected; a guest that pygrub
// or the Xen host booted gets GRUB 2 in the gap.
#include <exception>

#include "bootloader.hpp"

namespace vmconvert::fixer::bootloader {
namespace {

constexpr const char* k_makers[] = {"/usr/sbin/grub-mkconfig", "/usr/sbin/grub2-mkconfig",
                                    "/usr/bin/grub-mkconfig", "/sbin/grub2-mkconfig"};

// The guest's own GRUB 2 menu, if it is one to keep: written by a tool that is still there, without
// commands that only its distribution's GRUB knows, and with a kernel that is there.
std::optional<std::string> menu_to_keep(Host& guest) {
  const auto path = grub2_menu_path(guest);
  if (!path || guest.facts().boot.kind == "direct" ||
      first_file(guest, {std::begin(k_makers), std::end(k_makers)}).empty()) {
    return std::nullopt;
  }
  const std::string text = guest.read(*path);
  const Menu menu = read_menu(guest, *path);
  const MenuEntry* entry = menu.chosen();
  const bool foreign = text.find("blscfg") != std::string::npos;
  return !foreign && entry != nullptr && kernel_of(guest, *entry) ? path : std::nullopt;
}

// /boot/grub2/grub.cfg -> /boot/grub2
std::string folder_of(const std::string& path) {
  return path.substr(0, path.rfind('/'));
}

void give_loader(Host& guest, Arguments& arguments) {
  const auto place = place_of_boot(guest);
  if (!place) {
    return;
  }
  const auto kept = menu_to_keep(guest);
  const std::string folder = kept ? folder_of(*kept) : "/boot/grub";
  if (!install_core(guest, *place, folder) || !install_modules(guest, *place, folder)) {
    return;
  }
  if (!kept) {
    install_generated_menu(guest, *place, arguments);
  }
  correct_grub2_configuration(guest, arguments);
  correct_legacy_menus(guest, arguments, place->legacy);
  correct_extlinux(guest, arguments);
}

// Root and resume only: what Xen's own loaders read stays where it is.
void correct_names(Host& guest, Arguments& arguments) {
  correct_grub2_configuration(guest, arguments);
  correct_legacy_menus(guest, arguments, std::nullopt);
  correct_extlinux(guest, arguments);
  correct_device_map(guest);
}

void fix(Host& guest) {
  const Facts& facts = guest.facts();
  if (facts.disks.empty()) {
    return;
  }
  Arguments arguments(guest);
  const std::string& loader = facts.disks[0].loader;
  if (facts.uefi) {
    correct_names(guest, arguments);
    correct_unified_kernels(guest, arguments);
    give_fallback_loader(guest);
  } else if (!facts.boots_disk || loader == "grub2" || loader == "grub-legacy") {
    correct_names(guest, arguments);
    if (facts.boots_disk && loader == "grub-legacy") {
      correct_legacy_default(guest);
    }
  } else if (loader == "other" && extlinux_menu_path(guest) && is_extlinux(guest)) {
    correct_names(guest, arguments);
  } else if (loader == "other") {
    guest.finding("loader-unknown", VMCONVERT_WARNS,
                  "The boot sector holds a loader that vmconvert does not know; its configuration "
                  "is left as it is",
                  "Try the guest with --trial; LILO and syslinux must name the root by UUID and "
                  "console=ttyS0.");
    correct_names(guest, arguments);
  } else {
    give_loader(guest, arguments);
    correct_device_map(guest);
  }
  correct_settings_files(guest, arguments);
}

}  // namespace
}  // namespace vmconvert::fixer::bootloader

VMCONVERT_FIXER("bootloader", "makes the disk start by itself and the menu boot on the target", 210,
                vmconvert::fixer::bootloader::fix)
