// The login prompt and root's permission to log in move from the Xen console to the serial port.
// console= among the kernel's arguments is the bootloader fixer's business.
#include "consoles.hpp"

namespace vmconvert::fixer::consoles {

namespace {

void fix(Host& guest) {
  if (!guest.facts().boots_disk) {
    return;  // hvc0 is still what the host shows
  }
  fix_inittab(guest);
  fix_event_jobs(guest);
  fix_units(guest);
}

}  // namespace

}  // namespace vmconvert::fixer::consoles

VMCONVERT_FIXER("consoles", "moves login prompts from the Xen console to the serial port", 400,
                vmconvert::fixer::consoles::fix)
