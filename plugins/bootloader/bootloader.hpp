// The parts of the bootloader fixer.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>
#include <vmconvert/fixer_uefi.hpp>

#include "arguments.hpp"

namespace vmconvert::fixer::bootloader {

// legacy_menu.cpp. `place` is where /boot lies in GRUB legacy's words, "(hd0,1)", when our layout
// moved it; without one such words stay.
std::string corrected_legacy_menu(std::string_view text, Arguments& arguments,
                                  const std::optional<std::string>& place);
void correct_legacy_menus(Host& guest, Arguments& arguments,
                          const std::optional<std::string>& place);

// legacy_default.cpp. The default of a menu that GRUB legacy boots by: an entry that runs on KVM.
void correct_legacy_default(Host& guest);
void report_other_default(Host& guest, const std::string& before, const std::string& now);

// extlinux.cpp. extlinux.conf, and what Alpine's update-extlinux makes it from.
void correct_extlinux(Host& guest, Arguments& arguments);
bool is_extlinux(Host& guest);  // in the boot partition's first sector

// loader_entries.cpp. Files of the Boot Loader Specification, which GRUB and systemd-boot read.
std::string corrected_loader_entry(std::string_view text, Arguments& arguments,
                                   Importance importance);
void correct_loader_entries(Host& guest, Arguments& arguments);

// unified.cpp. Arguments inside of unified kernel images.
void correct_unified_kernels(Host& guest, Arguments& arguments);

// settings_files.cpp. What the guest's own tools make later menus from.
void correct_settings_files(Host& guest, Arguments& arguments);

// grub2_config.cpp. grub.cfg, /etc/default/grub, boot loader entries, grubenv, device.map.
// `saved` is saved_entry of grubenv.
std::string corrected_grub2_menu(std::string_view text, Arguments& arguments,
                                 std::string_view saved = {});
std::string corrected_defaults(std::string_view text, Arguments& arguments);
void correct_grub2_configuration(Host& guest, Arguments& arguments);
void correct_device_map(Host& guest);

// uefi.cpp. What the new machine's firmware starts, and the grub.cfg files of the EFI system
// partition.
void give_fallback_loader(Host& guest);
std::vector<std::string> menus_on_esp(Host& guest);

// place.cpp. Where /boot lies, in GRUB's words.
struct Place {
  std::string device;     // "(,msdos2)", "(hd1,gpt1)", "(lvm/vg-root)", "(mduuid/0123...)"
  std::string boot_path;  // of /boot on that filesystem: "/boot", "" for one of its own, "/@/boot"
  std::string uuid;       // of the filesystem; may be empty
  std::vector<std::string> modules;   // what the core needs to read it
  std::optional<std::string> legacy;  // "(hd0,1)"; nothing for LVM and MD
};
std::optional<Place> place_of_boot(Host& guest);

// core_image.cpp, modules.cpp. False after a finding.
bool install_core(Host& guest, const Place& place, const std::string& grub_folder);
bool install_modules(Host& guest, const Place& place, const std::string& grub_folder);

// generated_menu.cpp: the settings are the one source of both the first menu and all later ones.
struct Settings {
  std::string arguments;  // GRUB's words, quoted for GRUB
  std::string uuid;       // of the filesystem that holds /boot
  std::string boot_path;  // of /boot on it
  unsigned timeout = 5;
  std::string first_kernel;  // guest path of a kernel that is to come first; empty: the newest
  std::string first_initrd;
};
std::string settings_text(const Settings& settings);
std::string menu_text(const Settings& settings, const std::vector<BootKernel>& kernels);
std::string generator_script();
void install_generated_menu(Host& guest, const Place& place, Arguments& arguments);

}  // namespace vmconvert::fixer::bootloader
