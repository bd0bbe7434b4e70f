// The Xen consoles and what they become. hvc0 is the console of kernels with paravirt_ops, xvc0
// that of the older XenLinux kernels; on KVM the first serial port takes their place.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vmconvert/fixer_text.hpp>

namespace vmconvert::fixer::consoles {

constexpr std::array<std::string_view, 2> k_xen_consoles = {"hvc0", "xvc0"};
constexpr std::string_view k_serial = "ttyS0";

inline bool names_xen_console(std::string_view text) {
  return has_name(text, k_xen_consoles[0]) || has_name(text, k_xen_consoles[1]);
}

inline std::string with_serial(std::string text) {
  for (const std::string_view console : k_xen_consoles) {
    text = with_name(text, console, k_serial);
  }
  return text;
}

inline void report_added_getty(Host& guest, const std::string& where, const std::string& remedy) {
  const bool pv = guest.facts().source_kind == "pv";
  guest.finding("console-getty-added", VMCONVERT_INFORMS,
                where + " had a login prompt on tty1 only" +
                    (pv ? ", which was the Xen console" : "") + "; the serial console got one too",
                "Nothing to do; " + remedy + " if no login is wanted there.");
}

void fix_inittab(Host& guest);     // inittab and securetty: the two go together
void fix_event_jobs(Host& guest);  // Upstart
void fix_units(Host& guest);       // systemd

}  // namespace vmconvert::fixer::consoles
