// Takes back what was set up for Xen by name and would fail, or get in the way, on KVM. Drivers
// that are missing from the initramfs are the initramfs fixer's business, kernel arguments the
// bootloader's.
#include "leftovers.hpp"

namespace vmconvert::fixer::leftovers {

namespace {

void fix(Host& guest) {
  if (guest.facts().to == "xen") {
    return;
  }
  fix_module_lists(guest);
  fix_modprobe(guest);
  fix_suse_kernel(guest);
  fix_default_kernel(guest);
  fix_openrc_modules(guest);
  fix_dracut(guest);
  fix_services(guest);
  fix_mounts_and_sysctl(guest);
}

}  // namespace

}  // namespace vmconvert::fixer::leftovers

VMCONVERT_FIXER("xen-leftovers", "takes out modules, services and settings that need Xen", 500,
                vmconvert::fixer::leftovers::fix)
