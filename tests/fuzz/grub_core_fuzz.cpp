// GRUB 2's core images for BIOS machines: packed with LZMA, modules behind each other.
#include "guest/grub2_core.hpp"

#include "fuzz.hpp"

using namespace vmconvert;

FUZZ_TARGET(grub_core) {
  static_cast<void>(guest::read_grub2_core(input.text()));
  static_cast<void>(guest::read_grub2_efi(input.text()));
}
