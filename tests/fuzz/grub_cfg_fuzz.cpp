// GRUB 2's grub.cfg.
#include "fuzz.hpp"
#include "guest/grub_config.hpp"
#include "menu_checks.hpp"

using namespace vmconvert;

FUZZ_TARGET(grub_cfg) {
  fuzz::require_sound(guest::read_grub2_menu(input.text()));
  fuzz::require_sound(guest::read_grub2_menu(input.text(), "1>0"));
}
