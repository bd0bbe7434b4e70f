// New addresses by map: in the network's configuration, in /etc/hosts and
// nowhere else. What else names an old one is searched for once all is applied,
// and told.
#include "readdress.hpp"

namespace vmconvert::fixer::readdress {

namespace {

void conceal_secrets(Host& guest, const std::string& path, const std::string& text) {
  if (text.find("psk=") != std::string::npos || text.find("password") != std::string::npos) {
    guest.conceal(path, "addresses");
  }
}

// Edits one file; the old addresses that were met are added to `met`.
void readdress_file(Host& guest, const std::string& path, const Map& map,
                    std::vector<std::string>& met) {
  const auto text = text_file(guest, path);
  if (!text) {
    return;
  }
  std::vector<Line> lines = lines_of(*text);
  LineChanges changes(lines.size(), nullptr);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    lines[i].text = map.replaced(lines[i].text, &changes[i]);
    if (changes[i] != nullptr) {
      met.push_back(changes[i]->from);
    }
  }
  if (is_ifupdown(path)) {
    fix_masks_of_stanzas(lines, changes);
  } else if (is_ifcfg(path)) {
    fix_masks_of_ifcfg(lines, changes);
  }
  conceal_secrets(guest, path, *text);
  guest.update(path, text_of(lines));
}

// The new gateway of a family takes the place of the old one, if there is one
// of that family.
void add_gateways(Host& guest, const std::vector<std::string>& files, Map& map) {
  const std::vector<std::string> old = old_gateways(guest, files);
  for (const std::string& gateway : guest.facts().wishes.gateways) {
    const auto now = parse_address(gateway);
    std::vector<std::string> mine;
    for (const std::string& candidate : old) {
      const auto address = parse_address(candidate);
      if (now && address && address->v6 == now->v6) {
        mine.push_back(candidate);
      }
    }
    if (mine.size() == 1) {
      map.add(mine.front(), gateway, 0);
    } else {
      guest.finding("address-gateway", VMCONVERT_BLOCKS,
                    mine.empty() ? "the guest's configuration names no default gateway that " +
                                       gateway + " could take the place of"
                                 : "the guest's configuration names several default gateways (" +
                                       mine[0] + ", " + mine[1] +
                                       "...), so it is not clear which one becomes " + gateway,
                    "Map the one that is meant like an address: --address OLD=" + gateway + ".");
    }
  }
}

bool holds(Host& guest, const std::vector<std::string>& files, const std::string& address) {
  Map map;
  map.add(address, address, 0);
  for (const std::string& path : files) {
    for (const Line& line : lines_of(text_file(guest, path).value_or(""))) {
      const AddressChange* found = nullptr;
      static_cast<void>(map.replaced(line.text, &found));
      if (found != nullptr) {
        return true;
      }
    }
  }
  return false;
}

void report_unmet(Host& guest, const std::vector<std::string>& files,
                  const std::vector<std::string>& met) {
  for (const AddressChange& change : guest.facts().wishes.addresses) {
    if (std::find(met.begin(), met.end(), change.from) != met.end()) {
      guest.watch_finding("address-left", VMCONVERT_INFORMS, change.from,
                          "the old address " + change.from + " still stands in",
                          "Look at each; a database is not searched.");
    } else if (!holds(guest, files, change.to)) {
      guest.finding("address-not-found", VMCONVERT_BLOCKS,
                    "no network configuration of the guest names the address " + change.from,
                    "Look at what vmconvert inspect says of its network; with "
                    "DHCP there is "
                    "nothing to change in the guest.");
    }
  }
}

void fix(Host& guest) {
  const Wishes& wishes = guest.facts().wishes;
  if (wishes.addresses.empty() && wishes.gateways.empty() && wishes.dns.empty() &&
      wishes.hostname.empty()) {
    return;
  }
  const std::vector<std::string> files = network_files(guest);
  if (!wishes.addresses.empty() || !wishes.gateways.empty()) {
    Map map;
    for (const AddressChange& change : wishes.addresses) {
      map.add(change.from, change.to, change.prefix);
    }
    add_gateways(guest, files, map);
    std::vector<std::string> met;
    for (const std::string& path : files) {
      readdress_file(guest, path, map, met);
    }
    report_unmet(guest, files, met);
    readdress_file(guest, "/etc/hosts", map, met);
  }
  if (!wishes.dns.empty()) {
    set_name_servers(guest, files, wishes.dns);
  }
  if (!wishes.hostname.empty()) {
    set_host_name(guest, wishes.hostname);
  }
}

}  // namespace

}  // namespace vmconvert::fixer::readdress

VMCONVERT_FIXER("readdress", "gives the guest new addresses, gateways, name servers, a new name",
                60, vmconvert::fixer::readdress::fix)
