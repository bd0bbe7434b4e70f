// Programs on the EFI system partition, and the files that systemd-boot chooses among them by.
#include <vmconvert/systemd_boot.hpp>

#include "base/error.hpp"
#include "fuzz.hpp"

using namespace vmconvert;

namespace {

// A changed image says what it was told to, and the rest of it stays.
void check_change(std::string_view program) {
  const auto before = efi::read_unified_kernel(program);
  const auto changed = efi::with_arguments(program, "root=UUID=1 ro");
  if (!changed) {
    return;
  }
  const auto after = efi::read_unified_kernel(*changed);
  fuzz::require(changed->size() == program.size(), "a changed image has its size");
  if (before && after) {
    fuzz::require(after->arguments == "root=UUID=1 ro", "the arguments are those asked for");
    fuzz::require(after->initrd == before->initrd, "the initrd stays");
    fuzz::require(after->kernel == before->kernel, "the kernel stays");
  }
}

}  // namespace

FUZZ_TARGET(efi_program) {
  const std::string_view text = input.text();
  static_cast<void>(efi::is_signed(text));
  static_cast<void>(efi::systemd_boot_version(text));
  static_cast<void>(efi::read_image(text, "/efi/EFI/Linux/x+3-1.efi"));
  check_change(text);
  const std::size_t half = text.size() / 2;
  const std::string_view a = text.substr(0, half), b = text.substr(half);
  fuzz::require(efi::VersionOrder::compare(a, b) == 0 || (efi::VersionOrder::compare(a, b) < 0) !=
                                                             (efi::VersionOrder::compare(b, a) < 0),
                "the order of versions has two sides");
  static_cast<void>(efi::matches(a.substr(0, 1024), b.substr(0, 4096)));
  const auto entry = efi::read_entry(text, "x+2.conf", "/efi", "x86_64");
  fuzz::require(!entry || entry->program.starts_with("/efi/"), "paths begin at the mount point");
}
