// The loaders outside any filesystem, and the header of a kernel.
#include "guest/boot_sector.hpp"

#include "fuzz.hpp"
#include "guest/inspect.hpp"
#include "guest/linux_kernel.hpp"

using namespace vmconvert;

FUZZ_TARGET(boot_sector) {
  const std::string_view image = input.text();
  static_cast<void>(guest::has_boot_signature(image));
  static_cast<void>(guest::boot_sector_loader(image));
  static_cast<void>(guest::grub2_core_sector(image));
  static_cast<void>(guest::grub2_core_rest(image));
  static_cast<void>(guest::grub_legacy_next_sector(image));
  static_cast<void>(guest::grub_legacy_stage2_path(image));
  static_cast<void>(guest::read_kernel_header(image));
  static_cast<void>(guest::elf_arch(image));
}
