// GRUB 2's environment block, and the menu that it chooses from.
#include "fuzz.hpp"
#include "guest/grub_config.hpp"
#include "menu_checks.hpp"

using namespace vmconvert;

FUZZ_TARGET(grubenv) {
  const std::string saved = guest::grubenv_value(input.text(), "saved_entry");
  fuzz::require_sound(
      guest::read_grub2_menu("set default=\"${saved_entry}\"\n"
                             "submenu 'Advanced' --id adv {\n"
                             "menuentry 'a' --id one { linux /a root=/dev/xvda1 }\n"
                             "menuentry 'b' { linux /b }\n"
                             "}\n"
                             "menuentry 'c' { linux /c }\n",
                             saved));
}
