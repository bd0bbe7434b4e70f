// Where the managers of the network keep their configuration, and which gateway
// they name.
#include "readdress.hpp"

namespace vmconvert::fixer::readdress {

namespace {

// The value of "key: value" and "key=value", else of "key value".
std::string_view value_behind(std::string_view line, std::string_view key) {
  std::string_view text = trimmed(line);
  text.remove_prefix(text.starts_with("- ") ? 2 : 0);
  text = trimmed(text);
  if (!lower(text.substr(0, key.size())).starts_with(key)) {
    return {};
  }
  text = text.substr(key.size());
  if (text.empty() || (text.front() != ':' && text.front() != '=' && !is_blank(text.front()))) {
    return {};
  }
  text = trimmed(text);
  text.remove_prefix(text.starts_with(':') || text.starts_with('=') ? 1 : 0);
  return unquoted(text);
}

bool is_default(std::string_view destination) {
  destination = unquoted(destination);
  return destination == "default" || destination == "0.0.0.0/0" || destination == "::/0" ||
         destination == "0/0";
}

// The address behind "via" in "ip route add default via 10.0.0.1".
std::string_view via_of(const std::vector<std::string_view>& words) {
  const bool has_default = std::any_of(words.begin(), words.end(), is_default);
  for (std::size_t i = 0; has_default && i + 1 < words.size(); ++i) {
    if (words[i] == "via" || words[i] == "gw") {
      return words[i + 1];
    }
  }
  return {};
}

void add(std::vector<std::string>& found, std::string_view text) {
  constexpr std::size_t k_most = 64;  // each is compared with all others
  const auto address = found.size() < k_most ? parse_address(text) : std::nullopt;
  const bool known =
      !address || std::any_of(found.begin(), found.end(), [&](const std::string& other) {
        return parse_address(other) == address;
      });
  if (!known) {
    found.emplace_back(text);
  }
}

// netplan, networkd: a route's destination and gateway stand on neighbouring
// lines.
void add_of_route(std::vector<std::string>& found, const std::vector<Line>& lines, std::size_t i,
                  std::string_view destination_key, std::string_view gateway_key) {
  const std::string_view gateway = value_behind(lines[i].text, gateway_key);
  if (gateway.empty()) {
    return;
  }
  for (const std::size_t other : {i - 1, i + 1}) {
    if (other < lines.size() && is_default(value_behind(lines[other].text, destination_key))) {
      add(found, gateway);
    }
  }
}

void read_line(std::vector<std::string>& found, const std::vector<Line>& lines, std::size_t i,
               const std::string& path) {
  const std::string_view line = lines[i].text;
  const auto words = active_words(line);
  if (words.empty()) {
    return;
  }
  const bool networkd = path.starts_with("/etc/systemd/network/");
  for (const std::string_view key : {"gateway", "gateway4", "gateway6", "ipv6_defaultgw"}) {
    // networkd's Gateway= of a [Route] section may be that of another
    // destination.
    const bool routed =
        networkd && i > 0 && !value_behind(lines[i - 1].text, "destination").empty();
    if (!routed) {
      add(found, value_behind(line, key));
    }
  }
  add_of_route(found, lines, i, "to", "via");
  add_of_route(found, lines, i, "destination", "gateway");
  add(found, via_of(words));
  if (words.size() > 1 && is_default(words[0])) {
    add(found, words[1]);  // SUSE: "default 10.0.0.1 - -"
  }
  // NetworkManager: address1=10.0.0.5/24,10.0.0.1
  if (path.starts_with("/etc/NetworkManager/") && words[0].starts_with("address")) {
    const std::size_t comma = words[0].find(',');
    add(found, comma == std::string_view::npos ? "" : words[0].substr(comma + 1));
  }
}

}  // namespace

std::vector<std::string> network_files(Host& guest) {
  std::vector<std::string> files;
  for (const char* pattern :
       {"/etc/network/interfaces", "/etc/network/interfaces.d/*",
        "/etc/sysconfig/network-scripts/ifcfg-*", "/etc/sysconfig/network-scripts/route-*",
        "/etc/sysconfig/network-scripts/route6-*", "/etc/sysconfig/network",
        "/etc/sysconfig/network/ifcfg-*", "/etc/sysconfig/network/ifroute-*",
        "/etc/sysconfig/network/routes", "/etc/systemd/network/*.network", "/etc/netplan/*.yaml",
        "/etc/NetworkManager/system-connections/*", "/etc/conf.d/net"}) {
    for (std::string& path : guest.glob(pattern)) {
      if (guest.is_file(path) && !is_leftover_copy(path)) {
        files.push_back(std::move(path));
      }
    }
  }
  return files;
}

bool is_ifcfg(std::string_view path) {
  return base_of(path).starts_with("ifcfg-");
}

bool is_ifupdown(std::string_view path) {
  return path.starts_with("/etc/network/");
}

std::string_view base_of(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

std::vector<std::string> old_gateways(Host& guest, const std::vector<std::string>& files) {
  std::vector<std::string> found;
  for (const std::string& path : files) {
    const std::vector<Line> lines = lines_of(text_file(guest, path).value_or(""));
    for (std::size_t i = 0; i < lines.size(); ++i) {
      read_line(found, lines, i, path);
    }
  }
  return found;
}

}  // namespace vmconvert::fixer::readdress
