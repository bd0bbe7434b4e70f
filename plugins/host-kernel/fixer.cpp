// A KVM guest, and a Xen HVM guest, boots a kernel of its own disk. This fixer sees to it that
// there is one: a guest whose kernel was kept on the Xen host uses its own where it has one that
// fits, else gets the host's.
#include "host_kernel.hpp"

namespace vmconvert::fixer::host_kernel {
namespace {

void report_no_kernel(Host& guest) {
  for (const std::string& path : guest.glob("/boot/vmlinuz-*")) {
    const std::string version = version_of(path);
    if (is_version(version) && is_xen_only(guest, version)) {
      guest.finding(
          "xen-only-kernel", VMCONVERT_BLOCKS,
          "The guest's kernel " + version + " can only run under Xen",
          "Install a kernel without Xen patches in the guest (package kernel, "
          "linux-image or kernel-default), or supply one: kernel_packages in a blueprint.");
      return;
    }
  }
  guest.finding(
      "no-kernel", VMCONVERT_BLOCKS,
      "The guest has no kernel in /boot and its domain names none on the host",
      "Install a kernel package in the guest while it runs, or supply one: kernel_packages "
      "in a blueprint.");
}

// A kernel that the menu names may lie elsewhere than in /boot/vmlinuz-*, as systemd-boot's do.
bool boots_by_menu(Host& guest) {
  if (systemd_menu(guest).chosen) {
    return true;
  }
  const auto path = source_menu_path(guest);
  if (!path) {
    return false;
  }
  const Menu menu = read_menu(guest, *path);
  const MenuEntry* entry = menu.chosen();
  return entry != nullptr && kernel_of(guest, *entry).has_value();
}

void fix(Host& guest) {
  const Facts& facts = guest.facts();
  if (!facts.boots_disk) {
    return;  // pygrub or the host starts it as it did
  }
  if (facts.boot.kind != "direct") {
    if (boot_kernels(guest).empty() && !boots_by_menu(guest)) {
      report_no_kernel(guest);
    }
    return;
  }
  if (own_kernel_instead_of(guest, version_of(facts.boot.kernel))) {
    guest.log("the guest's own kernel takes the place of " + facts.boot.kernel);
    return;
  }
  if (facts.boot.kernel.empty()) {
    report_no_kernel(guest);
  } else if (const auto kernel = read_host_kernel(guest)) {
    bring_in(guest, *kernel);
  }
}

}  // namespace
}  // namespace vmconvert::fixer::host_kernel

VMCONVERT_FIXER("host-kernel", "brings a kernel kept on the Xen host into the guest", 200,
                vmconvert::fixer::host_kernel::fix)
