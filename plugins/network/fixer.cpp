// Every interface of the domain keeps the name that the guest's configuration knows it by: the name
// is pinned to the MAC, which the domain keeps. Addresses are never touched.
#include <set>

#include "network.hpp"

namespace vmconvert::fixer::network {

namespace {

Mentions read_configuration(Host& guest) {
  Mentions all;
  for (const auto& read : {read_ifupdown, read_ifcfg, read_netctl, read_netifrc, read_networkd,
                           read_netplan, read_keyfiles}) {
    Mentions some = read(guest);
    all.insert(all.end(), std::make_move_iterator(some.begin()),
               std::make_move_iterator(some.end()));
  }
  return all;
}

// Finds out which interface of the domain bears which of the names.
class Naming {
 public:
  explicit Naming(const Facts& facts) {
    for (const Nic& nic : facts.nics) {
      interfaces.push_back({{valid_mac(nic.mac), nic.index}, {}, {}, false});
    }
  }

  void by_guests_pins(const std::map<std::string, std::string>& pins) {
    for (Named& interface : interfaces) {
      const auto pin = pins.find(interface.nic.mac);
      if (pin != pins.end() && free(interface, pin->second)) {
        interface.name = pin->second;
        interface.pinned = true;
      }
    }
  }

  void by_mac(const Mention& mention) {
    for (Named& interface : interfaces) {
      if (!mention.mac.empty() && mention.mac == interface.nic.mac) {
        give(interface, mention);
        interface.pinned = interface.pinned || mention.names_itself;
      }
    }
  }

  // Xen's cards are counted from 0 in the order of the domain.
  void by_number(const Mention& mention) {
    const std::size_t star = mention.name.find('*');
    for (Named& interface : interfaces) {
      const std::string number = std::to_string(interface.nic.index);
      if (star != std::string::npos) {
        Mention one = mention;
        one.name = mention.name.substr(0, star) + number;
        give(interface, one);
      } else if (index_of(mention.name) == interface.nic.index) {
        give(interface, mention);
      }
    }
  }

  // A name that tells no number, or whose number is taken: the first interface without a name.
  void by_order(Host& guest, const Mention& mention) {
    const auto index = index_of(mention.name);
    if (bearer(mention.name) != nullptr || (index && *index >= interfaces.size())) {
      return;
    }
    const bool choice = interfaces.size() > 1;
    for (Named& interface : interfaces) {
      if (interface.name.empty() && give(interface, mention)) {
        if (choice) {
          guest.finding("network-name-guessed", VMCONVERT_WARNS,
                        mention.file + " does not say which card " + mention.name +
                            " is; it was given to " + interface.nic.mac,
                        "Compare the guest's addresses with its networks after the conversion.");
        }
        return;
      }
    }
  }

  [[nodiscard]] const Named* bearer(std::string_view name) const {
    for (const Named& interface : interfaces) {
      if (interface.name == name) {
        return &interface;
      }
    }
    return nullptr;
  }

  std::vector<Named> interfaces;

 private:
  [[nodiscard]] bool free(const Named& interface, std::string_view name) const {
    return interface.name.empty() && !name.empty() && bearer(name) == nullptr;
  }
  bool give(Named& interface, const Mention& mention) {
    if (!free(interface, mention.name)) {
      return false;
    }
    interface.name = mention.name;
    interface.file = mention.file;
    return true;
  }
};

Naming name_interfaces(Host& guest, const Mentions& mentions) {
  Naming naming(guest.facts());
  naming.by_guests_pins(read_pins(guest));
  for (const Mention& mention : mentions) {
    naming.by_mac(mention);
  }
  for (const Mention& mention : mentions) {
    naming.by_number(mention);
  }
  for (const Mention& mention : mentions) {
    if (!mention.name.empty() && mention.name.find('*') == std::string::npos) {
      naming.by_order(guest, mention);
    }
  }
  return naming;
}

void report_strangers(Host& guest, const Mentions& mentions, const Naming& naming) {
  std::set<std::string> said;
  for (const Mention& mention : mentions) {
    const bool pattern = mention.name.find('*') != std::string::npos;
    if (!mention.name.empty() && !pattern && naming.bearer(mention.name) == nullptr &&
        said.insert(mention.name).second) {
      guest.finding("network-no-nic", VMCONVERT_WARNS,
                    mention.file + " configures " + mention.name +
                        ", for which the domain has no network interface",
                    "Add an interface to the domain's description, or remove it in the guest.");
    }
    const bool known =
        std::any_of(naming.interfaces.begin(), naming.interfaces.end(),
                    [&](const Named& interface) { return interface.nic.mac == mention.mac; });
    if (!mention.mac.empty() && !known && said.insert(mention.mac).second) {
      guest.finding("network-mac-differs", VMCONVERT_WARNS,
                    mention.file + " is bound to the MAC " + mention.mac +
                        ", which no interface of the domain has",
                    "Give the domain's interface that MAC, or correct the file in the guest.");
    }
  }
}

void pin_names(Host& guest, const Mentions& mentions, const Naming& naming) {
  const std::vector<std::string> dropped = drop_wrong_rules(guest, naming.interfaces);
  for (const Named& interface : naming.interfaces) {
    if (interface.name.empty()) {
      continue;
    }
    if (interface.nic.mac.empty()) {
      guest.finding("network-no-mac", VMCONVERT_WARNS,
                    "the domain's description gives no MAC for interface " +
                        std::to_string(interface.nic.index) + ", so the name " + interface.name +
                        " cannot be pinned to it",
                    "Write the MAC that the guest has on Xen into the domain's description.");
      continue;
    }
    Named now = interface;
    if (std::find(dropped.begin(), dropped.end(), interface.nic.mac) != dropped.end()) {
      now.pinned = false;
    }
    for (const Mention& mention : mentions) {
      if (now.file.empty() && mention.name == now.name) {
        now.file = mention.file;
      }
    }
    if (!now.pinned && !now.file.empty()) {
      pin(guest, now);
    }
  }
}

void fix(Host& guest) {
  if (guest.facts().to == "xen") {
    return;  // the same driver, the same names
  }
  const Mentions mentions = read_configuration(guest);
  const Naming naming = name_interfaces(guest, mentions);
  report_strangers(guest, mentions, naming);
  pin_names(guest, mentions, naming);
  fix_matches(guest, naming.interfaces);
  fix_aliases(guest);
}

}  // namespace

}  // namespace vmconvert::fixer::network

VMCONVERT_FIXER("network", "keeps each interface's name on the new hardware, pinned by MAC", 300,
                vmconvert::fixer::network::fix)
