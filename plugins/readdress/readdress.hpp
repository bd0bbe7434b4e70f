// New addresses and a new name for the guest, wherever its own configuration
// says the old ones.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>
#include <vmconvert/fixer_text.hpp>

namespace vmconvert::fixer::readdress {

struct Address {
  bool v6 = false;
  std::array<unsigned char, 16> bytes{};  // of v4 the first four

  bool operator==(const Address&) const = default;
};
std::optional<Address> parse_address(std::string_view text);
std::string text_of_address(const Address& address);
// 24 -> 255.255.255.0, and back; nothing for what is no mask.
std::string netmask_of(unsigned prefix);
std::optional<unsigned> prefix_of(std::string_view netmask);

// Old to new, each with the prefix that the new one gets (0: as before).
class Map {
 public:
  void add(const std::string& from, const std::string& to, unsigned prefix);
  [[nodiscard]] const AddressChange* find(std::string_view text) const;
  [[nodiscard]] const AddressChange* find(const Address& address) const;
  // The text with each old address replaced, and the prefix behind it; comments
  // stay. With `changed`, the last change that was made is told.
  std::string replaced(std::string_view line, const AddressChange** changed = nullptr) const;

 private:
  struct Entry {
    Address from;
    AddressChange change;
  };
  std::vector<Entry> m_entries;
};

// Files of the network's configuration, of all managers.
std::vector<std::string> network_files(Host& guest);
bool is_ifcfg(std::string_view path);
bool is_ifupdown(std::string_view path);
std::string_view base_of(std::string_view path);

// Default gateways that the configuration names, each once, as it writes them.
std::vector<std::string> old_gateways(Host& guest, const std::vector<std::string>& files);

// Netmask, network and broadcast of what just moved: `lines` is a file of
// ifupdown's or an ifcfg file in which the addresses are new already; `changes`
// has, for each line, what changed in it.
using LineChanges = std::vector<const AddressChange*>;
void fix_masks_of_stanzas(std::vector<Line>& lines, const LineChanges& changes);
void fix_masks_of_ifcfg(std::vector<Line>& lines, const LineChanges& changes);

void set_name_servers(Host& guest, const std::vector<std::string>& files,
                      const std::vector<std::string>& servers);
void set_host_name(Host& guest, const std::string& name);

}  // namespace vmconvert::fixer::readdress
