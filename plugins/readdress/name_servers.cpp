// Name servers: wherever there is a list of them, it becomes the new one.
#include "readdress.hpp"

namespace vmconvert::fixer::readdress {

namespace {

std::string joined(const std::vector<std::string>& list, std::string_view separator) {
  std::string text;
  for (const std::string& item : list) {
    text += (text.empty() ? "" : std::string(separator)) + item;
  }
  return text;
}

std::vector<std::string> of_family(const std::vector<std::string>& servers, bool v6) {
  std::vector<std::string> found;
  for (const std::string& server : servers) {
    const auto address = parse_address(server);
    if (address && address->v6 == v6) {
      found.push_back(server);
    }
  }
  return found;
}

// Lines that `is_one` accepts become `now`, at the place of the first; false if
// there are none. So all functions below tell whether there was a list.
template <class IsOne>
bool replace_lines(std::vector<Line>& lines, IsOne&& is_one, const std::vector<std::string>& now) {
  std::vector<Line> result;
  bool done = false;
  for (Line& line : lines) {
    if (!is_one(line.text)) {
      result.push_back(std::move(line));
      continue;
    }
    if (!done) {
      const std::string end = line.end.empty() ? "\n" : line.end;
      for (const std::string& text : now) {
        result.push_back({text, end});
      }
      done = true;
    }
  }
  lines = std::move(result);
  return done;
}

std::size_t indent_of(std::string_view line) {
  return line.find_first_not_of(' ') == std::string_view::npos ? line.size()
                                                               : line.find_first_not_of(' ');
}

// nameservers: { addresses: [a, b] }, or a list on the lines that follow.
bool set_netplan(std::vector<Line>& lines, const std::vector<std::string>& servers) {
  std::vector<Line> result;
  std::size_t inside = std::string::npos;  // indent of "nameservers:"
  std::size_t listed = std::string::npos;  // indent of its "addresses:"
  bool found = false;
  for (Line& line : lines) {
    const std::string_view text = trimmed(line.text);
    const std::size_t indent = indent_of(line.text);
    if (listed != std::string::npos && text.starts_with("- ") && indent >= listed) {
      continue;  // of the old list
    }
    listed = std::string::npos;
    if (inside != std::string::npos && !text.empty() && indent <= inside) {
      inside = std::string::npos;
    }
    if (text.starts_with("nameservers:")) {
      inside = indent;
    }
    const std::size_t at = line.text.find("addresses:");
    if (inside != std::string::npos && at != std::string::npos && !text.starts_with('#')) {
      const std::size_t open = line.text.find('[', at);
      const std::size_t close = line.text.find(']', at);
      found = true;
      const std::string list = "[" + joined(servers, ", ") + "]";
      if (open != std::string::npos && close != std::string::npos) {
        line.text = line.text.substr(0, open) + list + line.text.substr(close + 1);
      } else {
        line.text = line.text.substr(0, at) + "addresses: " + list;
        listed = indent;
      }
    }
    result.push_back(std::move(line));
  }
  lines = std::move(result);
  return found;
}

bool set_keyfile(std::vector<Line>& lines, const std::vector<std::string>& servers) {
  bool v6 = false;
  bool found = false;
  for (Line& line : lines) {
    const std::string_view text = trimmed(line.text);
    if (text.starts_with('[')) {
      v6 = text == "[ipv6]";
    }
    const auto value = value_of(line.text, "dns");
    const std::vector<std::string> mine = of_family(servers, v6);
    if (value && !mine.empty()) {
      found = true;
      line.text = "dns=" + joined(mine, ";") + ";";
    }
  }
  return found;
}

bool is_dns_number(std::string_view line) {
  const std::string_view text = trimmed(line);
  return text.starts_with("DNS") && text.size() > 4 && text[4] == '=' &&
         std::isdigit(static_cast<unsigned char>(text[3])) != 0;
}

bool set_file(Host& guest, const std::string& path, const std::vector<std::string>& servers) {
  const auto text = text_file(guest, path);
  if (!text) {
    return false;
  }
  bool found = false;
  std::vector<Line> lines = lines_of(*text);
  if (is_ifupdown(path)) {
    for (Line& line : lines) {
      const auto words = active_words(line.text);
      if (words.size() > 1 && (words[0] == "dns-nameservers" || words[0] == "dns-nameserver")) {
        found = true;
        const auto at = static_cast<std::size_t>(words[1].data() - line.text.data());
        line.text = line.text.substr(0, at) + joined(servers, " ");
      }
    }
  } else if (path.starts_with("/etc/sysconfig/") && is_ifcfg(path)) {
    std::vector<std::string> now;
    for (std::size_t i = 0; i < servers.size(); ++i) {
      now.push_back("DNS" + std::to_string(i + 1) + "=" + servers[i]);
    }
    found = replace_lines(lines, is_dns_number, now);
  } else if (path.starts_with("/etc/systemd/network/")) {
    found = replace_lines(lines,
                          [](std::string_view line) { return value_of(line, "DNS").has_value(); },
                          {"DNS=" + joined(servers, " ")});
  } else if (path.starts_with("/etc/netplan/")) {
    found = set_netplan(lines, servers);
  } else if (path.starts_with("/etc/NetworkManager/")) {
    found = set_keyfile(lines, servers);
  }
  guest.update(path, text_of(lines));
  return found;
}

}  // namespace

void set_name_servers(Host& guest, const std::vector<std::string>& files,
                      const std::vector<std::string>& servers) {
  bool any = false;
  for (const std::string& path : files) {
    any = set_file(guest, path, servers) || any;
  }
  // A link leads to what a manager writes at each boot.
  if (!guest.is_link("/etc/resolv.conf")) {
    if (const auto text = text_file(guest, "/etc/resolv.conf")) {
      std::vector<Line> lines = lines_of(*text);
      std::vector<std::string> now;
      for (const std::string& server : servers) {
        now.push_back("nameserver " + server);
      }
      const bool found = replace_lines(
          lines,
          [](std::string_view line) {
            const auto words = active_words(line);
            return !words.empty() && words[0] == "nameserver";
          },
          now);
      any = any || found;
      guest.update("/etc/resolv.conf", text_of(lines));
    }
  }
  edit_lines(guest, "/etc/sysconfig/network/config",
             [&](std::string_view line) -> std::optional<std::string> {
               const auto value = value_of(line, "NETCONFIG_DNS_STATIC_SERVERS");
               any = any || value.has_value();
               return value
                          ? std::optional(with_part(line, *value, '"' + joined(servers, " ") + '"'))
                          : std::nullopt;
             });
  if (!any) {
    guest.finding("address-dns", VMCONVERT_WARNS,
                  "nothing in the guest's configuration lists name servers, so "
                  "the new ones were "
                  "written nowhere",
                  "Set them in the new guest.");
  }
}

}  // namespace vmconvert::fixer::readdress
