// The parts of the walk along the boot path; boot_path.cpp puts them together.
#pragma once

#include <optional>
#include <string>

#include "guest/boot_path.hpp"
#include "guest/grub_config.hpp"

namespace vmconvert::guest {

struct BootWalk {
  GuestRoot& guest;
  const model::GuestFacts& facts;
  const model::Layout& layout;
  model::TargetHypervisor to;
  std::string disk_bus = "virtio";
  bool by_pygrub = false;  // of Xen, or started as before: the loader in the disk is not looked at
  BootPath path = {};
  std::size_t menus = 0;  // read so far

  void found(std::string name, std::string what) {
    path.links.push_back({std::move(name), true, std::move(what), {}});
  }
  void broken(std::string name, std::string what, std::string remedy) {
    path.links.push_back({std::move(name), false, std::move(what), std::move(remedy)});
  }
};

// Boot sector, core and files of the loader; the menu that it reads, as a path in the guest.
std::optional<std::string> walk_loader(BootWalk& walk);
// The same for UEFI, whose firmware knows no more than EFI/BOOT/BOOTX64.EFI, to the entry that
// boots; boot_path_uefi.cpp.
std::optional<BootEntry> walk_uefi(BootWalk& walk);
// For Xen, pygrub on the host is the loader.
std::optional<std::string> walk_pygrub(BootWalk& walk);

// The entry that boots when nobody touches a key.
std::optional<BootEntry> walk_menu(BootWalk& walk, const std::string& menu);

// A program on the EFI system partition that is mounted at `esp`, and `bytes` of it: systemd-boot
// with its menu, or a kernel with its initrd and its arguments in one file; boot_path_systemd.cpp.
std::optional<BootEntry> walk_systemd_boot(BootWalk& walk, const std::string& esp,
                                           const std::string& path, const std::string& bytes);
std::optional<BootEntry> walk_unified_kernel(BootWalk& walk, const std::string& path,
                                             const std::string& bytes);

// Kernel, modules, initramfs and root of that entry.
void walk_entry(BootWalk& walk, const BootEntry& entry);
// The same where the Xen host keeps them; its arguments.
BootEntry walk_host_kernel(BootWalk& walk, const model::DirectBoot& kernel);

// True if systemd in this initramfs finds the root without being told; boot_path_gpt.cpp.
bool is_root_by_type(BootWalk& walk, const std::vector<std::string>& initramfs);

void walk_fstab(BootWalk& walk);
void walk_init(BootWalk& walk, const std::string& wanted);

// "(hd0,msdos1)" and "/vmlinuz" as a path in the mounted guest: "/boot/vmlinuz". With an empty
// device, the filesystem of /boot is meant. Nothing if that filesystem is not mounted there.
std::optional<std::string> path_in_guest(const BootWalk& walk, const std::string& device,
                                         const std::string& path);
// The filesystem that GRUB calls "(hd0,msdos1)"; null if there is none.
const model::Filesystem* filesystem_of_grub(const BootWalk& walk, std::string_view device);
// As an entry's paths: its search, then its device.
std::optional<std::string> entry_path(const BootWalk& walk, const BootEntry& entry,
                                      const std::string& path);

}  // namespace vmconvert::guest
