// The configuration of systemd-networkd, NetworkManager and netplan. Only what ties a name or a MAC
// to an interface is read.
#include "network.hpp"

namespace vmconvert::fixer::network {

namespace {

// eth* and enX* name cards as Xen's driver has them; en* and * also fit the names on KVM.
std::string wanted_name(std::string_view text) {
  return text == "eth*" || text == "enX*" ? std::string(text) : card_of(text);
}

void add(Mentions& mentions, Mention mention) {
  if (!mention.name.empty() || !mention.mac.empty()) {
    mentions.push_back(std::move(mention));
  }
}

// A small part of YAML: nested keys by indentation, one a line. Netplan's own examples and what
// installers write need no more; other forms are not understood and give no mention.
struct YamlKey {
  std::size_t indent;
  std::string key, value;
};

std::optional<YamlKey> yaml_key(std::string_view line) {
  const std::string_view text = trimmed(line.substr(0, line.find(" #")));
  const std::size_t colon = text.find(": ");
  const bool opens = text.ends_with(':');
  if (text.empty() || text.front() == '#' || text.front() == '-' ||
      (colon == std::string_view::npos && !opens)) {
    return std::nullopt;
  }
  const std::string_view key = opens ? text.substr(0, text.size() - 1) : text.substr(0, colon);
  const std::string_view value = opens ? "" : text.substr(colon + 2);
  return YamlKey{line.find_first_not_of(' '), std::string(unquoted(key)),
                 std::string(unquoted(value))};
}

// The keys above a line, outermost first: network, ethernets, eth0, match.
void descend(std::vector<YamlKey>& path, YamlKey key) {
  while (!path.empty() && path.back().indent >= key.indent) {
    path.pop_back();
  }
  path.push_back(std::move(key));
}

struct Ethernet {
  Mention mention;
  std::string match_name, match_driver;
};

void finish(Host& guest, Mentions& mentions, std::optional<Ethernet>& open) {
  if (!open) {
    return;
  }
  Mention& mention = open->mention;
  if (open->match_driver.find("xen") != std::string::npos) {
    guest.finding("network-xen-match", VMCONVERT_WARNS,
                  mention.file + " matches " + mention.name + " by the driver " +
                      open->match_driver + ", which the new hardware does not use",
                  "Match the interface by macaddress in the guest's netplan file.");
  }
  if (!mention.names_itself && !open->match_name.empty()) {
    mention.name = open->match_name;
  } else if (!mention.names_itself && (!mention.mac.empty() || !open->match_driver.empty())) {
    mention.name.clear();  // with a match the key is only a handle
  }
  mention.name = wanted_name(mention.name);
  add(mentions, std::move(mention));
  open.reset();
}

void take_key(Ethernet& ethernet, const std::vector<YamlKey>& path) {
  const YamlKey& last = path.back();
  if (path.size() == 4 && last.key == "set-name") {
    ethernet.mention.name = last.value;
    ethernet.mention.names_itself = true;
  } else if (path.size() == 5 && path[3].key == "match") {
    if (last.key == "macaddress") {
      ethernet.mention.mac = valid_mac(last.value);
    } else if (last.key == "name") {
      ethernet.match_name = last.value;
    } else if (last.key == "driver") {
      ethernet.match_driver = last.value;
    }
  }
}

void read_netplan_file(Host& guest, const std::string& file, Mentions& mentions) {
  const auto text = text_file(guest, file);
  std::vector<YamlKey> path;
  std::optional<Ethernet> open;
  for (const Line& line : lines_of(text.value_or(""))) {
    auto key = yaml_key(line.text);
    if (!key) {
      continue;
    }
    descend(path, std::move(*key));
    const bool ethernet =
        path.size() >= 3 && path[0].key == "network" && path[1].key == "ethernets";
    if (!ethernet || path.size() == 3) {
      finish(guest, mentions, open);
    }
    if (ethernet && path.size() == 3) {
      open = Ethernet{{path[2].key, {}, file, false}, {}, {}};
    } else if (ethernet && open) {
      take_key(*open, path);
    }
  }
  finish(guest, mentions, open);
}

}  // namespace

Mentions read_networkd(Host& guest) {
  Mentions mentions;
  for (const std::string& file : guest.glob("/etc/systemd/network/*.network")) {
    std::vector<std::string> names, macs;
    const auto text = text_file(guest, file);
    for (const Setting& setting : settings_of(lines_of(text.value_or("")))) {
      for (const std::string_view word : words_of(setting.value)) {
        if (setting.section == "Match" && setting.key == "Name") {
          names.push_back(wanted_name(word));
        } else if (setting.section == "Match" && setting.key == "MACAddress") {
          macs.push_back(valid_mac(word));
        }
      }
    }
    for (const std::string& name : names) {
      add(mentions, {name, macs.size() == 1 ? macs[0] : "", file, false});
    }
    for (const std::string& mac : names.empty() ? macs : std::vector<std::string>()) {
      add(mentions, {{}, mac, file, false});
    }
  }
  return mentions;
}

Mentions read_keyfiles(Host& guest) {
  Mentions mentions;
  for (const std::string& file : guest.glob("/etc/NetworkManager/system-connections/*")) {
    if (is_leftover_copy(file)) {
      continue;
    }
    Mention mention{{}, {}, file, false};
    const auto text = text_file(guest, file);
    for (const Setting& setting : settings_of(lines_of(text.value_or("")))) {
      const bool card = setting.section == "ethernet" || setting.section == "802-3-ethernet";
      if (setting.section == "connection" && setting.key == "interface-name") {
        mention.name = wanted_name(setting.value);
      } else if (card && setting.key == "mac-address") {
        mention.mac = valid_mac(setting.value);
      }
    }
    add(mentions, std::move(mention));
  }
  return mentions;
}

Mentions read_netplan(Host& guest) {
  Mentions mentions;
  for (const std::string& file : guest.glob("/etc/netplan/*.yaml")) {
    read_netplan_file(guest, file, mentions);
  }
  return mentions;
}

}  // namespace vmconvert::fixer::network
