// The rest of a system: fstab, crypttab, inittab, event jobs, units, securetty, modules.
#include "guest_tree.hpp"

FUZZ_TARGET(fixers_system) {
  vmconvert::fuzz::run_fixers(input, {"fstab", "consoles", "xen-leftovers", "guest-agent"});
}
