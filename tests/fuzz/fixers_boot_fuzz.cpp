// What fixers read on the way from the loader to the root filesystem: menus of all loaders, their
// defaults, the configuration of initramfs generators.
#include "guest_tree.hpp"

FUZZ_TARGET(fixers_boot) {
  vmconvert::fuzz::run_fixers(input, {"bootloader", "initramfs", "host-kernel"});
}
