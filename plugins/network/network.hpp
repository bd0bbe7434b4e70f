// The guest's network configuration as far as names and MACs go. Addresses are never touched.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>
#include <vmconvert/fixer_text.hpp>

namespace vmconvert::fixer::network {

// One place in the configuration that speaks of an interface.
struct Mention {
  std::string name;  // eth0, or the pattern eth*; empty where only a MAC is given
  std::string mac;   // that the configuration ties to it, lower case; empty if none
  std::string file;
  bool names_itself = false;  // netplan's set-name: the guest gives the name by MAC already
};
using Mentions = std::vector<Mention>;

Mentions read_ifupdown(Host& guest);
Mentions read_ifcfg(Host& guest);
Mentions read_netctl(Host& guest);   // Arch
Mentions read_netifrc(Host& guest);  // Gentoo
Mentions read_networkd(Host& guest);
Mentions read_netplan(Host& guest);
Mentions read_keyfiles(Host& guest);  // NetworkManager

// What the guest's own udev rules and .link files say already: MAC -> name.
std::map<std::string, std::string> read_pins(Host& guest);

// An interface of the domain and the name that it keeps.
struct Named {
  Nic nic;  // with a valid MAC in lower case, or an empty one
  std::string name;
  std::string file;     // the configuration that uses the name
  bool pinned = false;  // by the guest itself
};

// Comments out rules that give a name of `interfaces` to another MAC, or that match Xen's driver
// only; returns the MACs whose rule is gone.
std::vector<std::string> drop_wrong_rules(Host& guest, const std::vector<Named>& interfaces);
void pin(Host& guest, const Named& interface);

// [Match] sections and module aliases that name Xen's network driver.
void fix_matches(Host& guest, const std::vector<Named>& interfaces);
void fix_aliases(Host& guest);

// eth0.100 and eth0:1 stand on eth0. Empty if the name is not that of a network card.
std::string card_of(std::string_view name);
std::optional<unsigned> index_of(std::string_view card);  // eth2, enX2 -> 2
std::string valid_mac(std::string_view text);             // lower case, or empty

// "[section]" and "key=value" of systemd's and NetworkManager's files.
struct Setting {
  std::string section, key, value;
  std::size_t line = 0;
};
std::vector<Setting> settings_of(const std::vector<Line>& lines);

}  // namespace vmconvert::fixer::network
