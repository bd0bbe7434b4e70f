// The configuration of the old days: Debian's interfaces file, Red Hat's and SUSE's ifcfg files.
#include <set>

#include "network.hpp"

namespace vmconvert::fixer::network {

namespace {

constexpr std::string_view k_interfaces = "/etc/network/interfaces";
constexpr std::size_t k_most_files = 500;  // that include one another
constexpr std::size_t k_deepest = 8;       // each holds the text of those above it

// Reads a file and those that it includes, each once.
class Ifupdown {
 public:
  explicit Ifupdown(Host& guest) : m_guest(guest) {}

  void read(const std::string& path) {
    if (m_seen.size() >= k_most_files || m_depth == k_deepest || !m_seen.insert(path).second) {
      return;
    }
    ++m_depth;
    read_text(path);
    --m_depth;
  }

  Mentions mentions;

 private:
  void read_text(const std::string& path) {
    const auto text = text_file(m_guest, path);
    if (!text) {
      return;
    }
    std::string whole;  // a line with those that a backslash joins to it
    for (const Line& line : lines_of(*text)) {
      whole += line.text;
      if (whole.ends_with('\\')) {
        whole.back() = ' ';
        continue;
      }
      read_line(path, whole);
      whole.clear();
    }
    read_line(path, whole);
  }

  void read_line(const std::string& path, std::string_view line) {
    const auto words = active_words(line);
    if (words.size() < 2) {
      return;
    }
    const std::string_view key = words[0];
    if (key == "source" || key == "source-directory") {
      include(key, std::string(words[1]));
    } else if (key == "iface") {
      mention(path, words[1]);
    } else if (key == "auto" || key.starts_with("allow-") || names_cards(key)) {
      for (std::size_t at = 1; at < words.size(); ++at) {
        mention(path, words[at]);
      }
    }
  }

  static bool names_cards(std::string_view option) {
    for (const std::string_view known : {"bridge_ports", "bridge-ports", "bond-slaves", "slaves",
                                         "vlan-raw-device", "vlan_raw_device"}) {
      if (option == known) {
        return true;
      }
    }
    return false;
  }

  void include(std::string_view key, std::string pattern) {
    if (!pattern.starts_with('/')) {
      pattern = "/etc/network/" + pattern;
    }
    if (key == "source") {
      for (const std::string& file : m_guest.glob(pattern)) {
        read(file);
      }
      return;
    }
    for (const std::string& name : m_guest.list(pattern)) {
      // As run-parts: only names without dots count.
      if (std::all_of(name.begin(), name.end(),
                      [](char byte) { return is_name_byte(byte) || byte == '-'; })) {
        read(pattern + "/" + name);
      }
    }
  }

  void mention(const std::string& path, std::string_view name) {
    if (const std::string card = card_of(name); !card.empty()) {
      mentions.push_back({card, {}, path, false});
    }
  }

  Host& m_guest;
  std::set<std::string> m_seen;
  std::size_t m_depth = 0;
};

void read_ifcfg_file(Host& guest, const std::string& path, Mentions& mentions) {
  const auto text = text_file(guest, path);
  if (!text) {
    return;
  }
  Mention mention{path.substr(path.find("/ifcfg-") + 7), {}, path, false};
  for (const Line& line : lines_of(*text)) {
    if (const auto device = value_of(line.text, "DEVICE")) {
      mention.name = unquoted(*device);
    } else if (const auto mac = value_of(line.text, "HWADDR")) {
      mention.mac = valid_mac(unquoted(*mac));
    }
    for (const std::string_view key : {"BRIDGE_PORTS", "ETHERDEVICE"}) {  // SUSE
      const auto cards = value_of(line.text, key);
      for (const std::string_view name : words_of(cards ? unquoted(*cards) : "")) {
        if (const std::string card = card_of(name); !card.empty()) {
          mentions.push_back({card, {}, path, false});
        }
      }
    }
  }
  if (mention.name.starts_with("eth-id-")) {  // SUSE 10 names the file after the MAC
    mention.mac = valid_mac(std::string_view(mention.name).substr(7));
  }
  mention.name = card_of(mention.name);
  if (!mention.name.empty() || !mention.mac.empty()) {
    mentions.push_back(std::move(mention));
  }
}

}  // namespace

Mentions read_ifupdown(Host& guest) {
  Ifupdown reader(guest);
  reader.read(std::string(k_interfaces));
  return std::move(reader.mentions);
}

Mentions read_ifcfg(Host& guest) {
  Mentions mentions;
  for (const std::string pattern :
       {"/etc/sysconfig/network-scripts/ifcfg-*", "/etc/sysconfig/network/ifcfg-*"}) {
    for (const std::string& path : guest.glob(pattern)) {
      if (!is_leftover_copy(path)) {
        read_ifcfg_file(guest, path, mentions);
      }
    }
  }
  return mentions;
}

// Arch: /etc/netctl/PROFILE with Interface=eth0. Its folders hold examples and hooks.
Mentions read_netctl(Host& guest) {
  Mentions mentions;
  for (const std::string& file : guest.glob("/etc/netctl/*")) {
    const auto text = is_leftover_copy(file) ? std::nullopt : text_file(guest, file);
    for (const Line& line : lines_of(text.value_or(""))) {
      const auto name = value_of(line.text, "Interface");
      if (const std::string card = card_of(name ? unquoted(*name) : ""); !card.empty()) {
        mentions.push_back({card, {}, file, false});
      }
    }
  }
  return mentions;
}

// Gentoo: /etc/conf.d/net with config_eth0="...", routes_eth0="...".
Mentions read_netifrc(Host& guest) {
  Mentions mentions;
  const std::string file = "/etc/conf.d/net";
  for (const Line& line : lines_of(text_file(guest, file).value_or(""))) {
    const std::string_view text = trimmed(line.text);
    for (const std::string_view key : {"config_", "slaves_", "bridge_", "vlans_"}) {
      const std::string_view name = text.substr(0, text.find('='));
      if (!name.starts_with(key)) {
        continue;
      }
      if (const std::string card = card_of(name.substr(key.size())); !card.empty()) {
        mentions.push_back({card, {}, file, false});
      }
    }
  }
  return mentions;
}

}  // namespace vmconvert::fixer::network
