// The menus that are lists of keywords: boot loader spec entries, extlinux.conf.
#include "fuzz.hpp"
#include "guest/grub_config.hpp"
#include "menu_checks.hpp"

using namespace vmconvert;

FUZZ_TARGET(loader_entries) {
  const guest::BootEntry entry = guest::read_loader_spec_entry(input.text(), "0123-6.1.conf");
  static_cast<void>(entry.argument("root"));
  fuzz::require_sound(guest::read_extlinux_menu(input.text(), "/boot/extlinux/"));
}
