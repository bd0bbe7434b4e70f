// What holds for a boot menu, whatever it was read from.
#pragma once

#include "fuzz.hpp"
#include "guest/grub_config.hpp"

namespace vmconvert::fuzz {

inline void require_sound(const guest::BootMenu& menu) {
  require(!menu.chosen || *menu.chosen < menu.entries.size(),
          "an entry is chosen that is not there");
  for (const guest::BootEntry& entry : menu.entries) {
    static_cast<void>(entry.argument("root"));
  }
}

}  // namespace vmconvert::fuzz
