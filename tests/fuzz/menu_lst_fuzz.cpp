// GRUB legacy: menu.lst, grub.conf.
#include "fuzz.hpp"
#include "guest/grub_config.hpp"
#include "menu_checks.hpp"

using namespace vmconvert;

FUZZ_TARGET(menu_lst) {
  fuzz::require_sound(guest::read_legacy_menu(input.text()));
}
