// Kernel arguments, corrected for the target: root= and resume= name what is there, the console is
// the serial port, what only Xen understands is gone. Everything else stays, byte for byte.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vmconvert/fixer_devices.hpp>

namespace vmconvert::fixer::bootloader {

enum class Importance { vital, other };     // vital: of the entry that boots by default
enum class Console { add_if_none, leave };  // a serial console where none is named
enum class Initrd { present, absent };      // without one, the kernel knows no UUID

struct Occasion {
  Importance importance = Importance::other;
  Console console = Console::add_if_none;
  Initrd initrd = Initrd::present;
};

class Arguments {
 public:
  explicit Arguments(Host& guest)
      : m_guest(guest), m_facts(guest.facts()), m_devices(guest.facts()) {}

  // Reports what cannot be resolved, once each.
  std::string corrected(std::string_view text, const Occasion& occasion);

 private:
  [[nodiscard]] bool is_left_out(std::string_view word) const;
  [[nodiscard]] std::optional<std::string> corrected_word(std::string_view word,
                                                          const Occasion& occasion);
  [[nodiscard]] std::string corrected_root(std::string_view value, const Occasion& occasion);
  [[nodiscard]] std::optional<std::string> corrected_resume(std::string_view value,
                                                            const Occasion& occasion);
  [[nodiscard]] bool is_known(std::string_view value) const;
  [[nodiscard]] std::optional<std::string> new_name(std::string_view value, Initrd initrd) const;
  [[nodiscard]] std::string name_of(const std::string& device, Initrd initrd) const;
  void report_root(std::string_view value, Importance importance);

  Host& m_guest;
  const Facts& m_facts;
  const Devices m_devices;
  std::set<std::string> m_reported;
};

// True if a serial port is among the consoles.
bool names_serial_console(std::string_view text);

}  // namespace vmconvert::fixer::bootloader
