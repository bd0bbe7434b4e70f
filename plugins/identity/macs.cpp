// References to a card by its MAC follow the card.
#include "identity.hpp"

namespace vmconvert::fixer::identity {

namespace {

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char byte) { return static_cast<char>(std::toupper(byte)); });
  return text;
}

// In the spelling of the original: lower or upper case, with ':' or '-'.
std::string with_macs(std::string text, const std::vector<AddressChange>& macs) {
  for (const AddressChange& mac : macs) {
    for (const char separator : {':', '-'}) {
      std::string from = mac.from;
      std::string to = mac.to;
      std::replace(from.begin(), from.end(), ':', separator);
      std::replace(to.begin(), to.end(), ':', separator);
      text = with_name(text, from, to);
      text = with_name(text, upper(from), upper(to));
    }
  }
  return text;
}

}  // namespace

void follow_macs(Host& guest) {
  const std::vector<AddressChange>& macs = guest.facts().wishes.macs;
  if (macs.empty()) {
    return;
  }
  for (const char* pattern :
       {"/etc/udev/rules.d/*.rules", "/etc/systemd/network/*", "/etc/netplan/*.yaml",
        "/etc/sysconfig/network-scripts/ifcfg-*", "/etc/sysconfig/network/ifcfg-*",
        "/etc/NetworkManager/system-connections/*", "/etc/network/interfaces",
        "/etc/network/interfaces.d/*", "/etc/iftab", "/etc/mactab",
        "/etc/cloud/cloud.cfg.d/*.cfg"}) {
    for (const std::string& path : guest.glob(pattern)) {
      const auto text = guest.is_file(path) ? text_file(guest, path) : std::nullopt;
      if (!text) {
        continue;
      }
      const std::string now = with_macs(*text, macs);
      const std::string name = with_macs(path, macs);  // SUSE: ifcfg-eth-id-00:16:3e:...
      if (text->find("psk=") != std::string::npos || text->find("password") != std::string::npos) {
        guest.conceal(path, "MAC of the card");
        guest.conceal(name, "MAC of the card");
      }
      if (name != path) {
        guest.write(name, now);
        guest.remove(path);
      } else if (now != *text) {
        guest.write(path, now);
      }
    }
  }
  for (const AddressChange& mac : macs) {
    guest.watch_finding("identity-left", VMCONVERT_WARNS, mac.from,
                        "the old MAC " + mac.from + " still stands in",
                        "Correct it in the copy: its card has " + mac.to + ".");
  }
}

}  // namespace vmconvert::fixer::identity
