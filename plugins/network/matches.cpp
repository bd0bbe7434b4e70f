// Configuration that finds its interface by Xen's network driver finds none on KVM.
#include <charconv>
#include <vmconvert/fixer_devices.hpp>

#include "network.hpp"

namespace vmconvert::fixer::network {

namespace {

// The driver calls itself vif on its bus and xen-netfront as a module.
bool is_xen_driver(std::string_view value) {
  return value.find("xen") != std::string_view::npos || value.starts_with("vif");
}

// The path xen-vif-1 is the second interface of the domain.
std::optional<unsigned> index_in_path(std::string_view value) {
  const std::size_t at = value.find("vif-");
  if (at == std::string_view::npos) {
    return std::nullopt;
  }
  unsigned index = 0;
  const char* const last = value.data() + value.size();
  const auto [end, error] = std::from_chars(value.data() + at + 4, last, index);
  return error == std::errc() && end == last ? std::optional(index) : std::nullopt;
}

struct Match {
  std::vector<Setting> xen;  // lines of [Match] that name Xen
  bool has_mac = false;
  std::string name;  // of the interface, from [Match] or [Link]
};

Match match_of(const std::vector<Setting>& settings) {
  Match match;
  for (const Setting& setting : settings) {
    const bool in_match = setting.section == "Match";
    if (in_match && (setting.key == "Driver" || setting.key == "Path") &&
        is_xen_driver(setting.value)) {
      match.xen.push_back(setting);
    } else if (in_match && setting.key == "MACAddress") {
      match.has_mac = true;
    } else if ((in_match || setting.section == "Link") && setting.key == "Name") {
      match.name = setting.value;
    }
  }
  return match;
}

std::string mac_for(const Match& match, const std::vector<Named>& interfaces) {
  for (const Setting& setting : match.xen) {
    const auto index = index_in_path(setting.value);
    for (const Named& interface : interfaces) {
      if (index && interface.nic.index == *index) {
        return interface.nic.mac;
      }
    }
  }
  for (const Named& interface : interfaces) {
    if (interface.name == match.name && !match.name.empty()) {
      return interface.nic.mac;
    }
  }
  return interfaces.size() == 1 ? interfaces.front().nic.mac : std::string();
}

void fix_file(Host& guest, const std::string& file, const std::vector<Named>& interfaces) {
  const auto text = text_file(guest, file);
  std::vector<Line> lines = lines_of(text.value_or(""));
  const Match match = match_of(settings_of(lines));
  if (match.xen.empty()) {
    return;
  }
  const std::string mac = mac_for(match, interfaces);
  for (const Setting& setting : match.xen) {
    lines[setting.line].text = commented_out(lines[setting.line].text);
  }
  if (!match.has_mac) {  // several cards and no word on which: all of them, as before
    add_line(lines, match.xen.front().line,
             mac.empty() ? "Driver=" + network_module(guest.facts()) : "MACAddress=" + mac);
  }
  guest.update(file, text_of(lines));
}

bool is_xen_module(std::string_view name) {
  std::string module(name);
  std::replace(module.begin(), module.end(), '-', '_');
  return module == "xennet" || module == "xen_netfront" || module == "xen_vnif" ||
         module == "netfront";
}

}  // namespace

void fix_matches(Host& guest, const std::vector<Named>& interfaces) {
  for (const std::string pattern :
       {"/etc/systemd/network/*.network", "/etc/systemd/network/*.link"}) {
    for (const std::string& file : guest.glob(pattern)) {
      fix_file(guest, file, interfaces);
    }
  }
}

void fix_aliases(Host& guest) {
  const std::string module = network_module(guest.facts());
  std::vector<std::string> files = guest.glob("/etc/modprobe.d/*");
  files.insert(files.end(), {"/etc/modprobe.conf", "/etc/modprobe.conf.local"});
  for (const std::string& file : files) {
    edit_lines(guest, file, [&](std::string_view line) -> std::optional<std::string> {
      const auto words = active_words(line);
      const bool applies =
          words.size() >= 3 && words[0] == "alias" && index_of(words[1]) && is_xen_module(words[2]);
      return applies ? std::optional(with_part(line, words[2], module)) : std::nullopt;
    });
  }
}

}  // namespace vmconvert::fixer::network
