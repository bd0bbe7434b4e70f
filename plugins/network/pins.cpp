// Names pinned by MAC: udev's persistent rules, which old guests write themselves, and systemd's
// .link files, which took their place.
#include <charconv>

#include "network.hpp"

namespace vmconvert::fixer::network {

namespace {

constexpr std::string_view k_own_rules = "/etc/udev/rules.d/70-persistent-net.rules";
constexpr std::string_view k_other_rules = "/etc/udev/rules.d/70-vmconvert-net.rules";

enum class Pinning { link_file, rule, rule_of_old_udev, none };

struct Rule {
  std::string mac, name;
  bool xen_only = false;  // matches Xen's driver or bus as well as the MAC
};

std::string quoted_after(std::string_view line, std::string_view key) {
  for (std::size_t at = line.find(key); at != std::string_view::npos; at = line.find(key, at + 1)) {
    const std::size_t start = at + key.size();
    const std::size_t end = line.find('"', start);
    if ((at == 0 || !is_name_byte(line[at - 1])) && end != std::string_view::npos) {
      return std::string(line.substr(start, end - start));
    }
  }
  return {};
}

// ... ATTR{address}=="00:16:3e:01:02:03" ... NAME="eth0"; SUSE 10 calls rename_netiface instead.
std::optional<Rule> rule_of(std::string_view line) {
  if (active_words(line).empty()) {
    return std::nullopt;
  }
  Rule rule;
  for (const std::string_view key :
       {"ATTR{address}==\"", "ATTRS{address}==\"", "SYSFS{address}==\""}) {
    if (rule.mac.empty()) {
      rule.mac = valid_mac(quoted_after(line, key));
    }
  }
  rule.name = quoted_after(line, "NAME=\"");
  if (rule.name.empty()) {
    rule.name = quoted_after(line, "NAME:=\"");
  }
  if (const std::string call = quoted_after(line, "IMPORT=\"");
      rule.name.empty() && call.find("rename_netiface") != std::string::npos) {
    rule.name = words_of(call).back();
  }
  rule.xen_only = line.find("==\"vif") != std::string_view::npos ||
                  line.find("==\"xen") != std::string_view::npos;
  return rule.mac.empty() || rule.name.empty() ? std::nullopt : std::optional(rule);
}

std::vector<std::string> rule_files(Host& guest) {
  std::vector<std::string> files;
  for (const std::string pattern :
       {"/etc/udev/rules.d/*persistent-net.rules", "/etc/udev/rules.d/*net_persistent_names.rules",
        "/etc/udev/rules.d/70-vmconvert-net.rules"}) {
    for (std::string& file : guest.glob(pattern)) {
      if (guest.is_file(file)) {
        files.push_back(std::move(file));
      }
    }
  }
  return files;
}

bool any_exists(Host& guest, const std::vector<std::string>& paths) {
  return std::any_of(paths.begin(), paths.end(),
                     [&](const std::string& path) { return guest.exists(path); });
}

constexpr unsigned k_systemd_that_renames_again = 240;

// systemd's version, from the name of its shared library; 0 before 231, which had none.
unsigned systemd_version(Host& guest) {
  unsigned newest = 0;
  for (const std::string folder :
       {"/lib/systemd/", "/usr/lib/systemd/", "/lib/*/systemd/", "/usr/lib/*/systemd/"}) {
    for (const std::string& path : guest.glob(folder + "libsystemd-shared-*.so")) {
      const std::size_t start = path.rfind('-') + 1;
      unsigned version = 0;
      std::from_chars(path.data() + start, path.data() + path.size(), version);
      newest = std::max(newest, version);
    }
  }
  return newest;
}

// A guest whose udev writes persistent rules obeys those before any .link file. A systemd before
// 240 does not rename what the initramfs has named already, except by a rule.
Pinning pinning_of(Host& guest) {
  const bool generates =
      any_exists(guest, {"/lib/udev/rules.d/75-persistent-net-generator.rules"}) ||
      !guest.glob("/etc/udev/rules.d/*persistent-net-generator.rules").empty();
  if (!generates && systemd_version(guest) >= k_systemd_that_renames_again &&
      any_exists(guest, {"/usr/lib/systemd/network/99-default.link",
                         "/lib/systemd/network/99-default.link",
                         "/usr/lib/udev/rules.d/80-net-setup-link.rules",
                         "/lib/udev/rules.d/80-net-setup-link.rules"})) {
    return Pinning::link_file;
  }
  if (any_exists(guest, {"/lib/udev/rules.d", "/usr/lib/udev/rules.d"})) {
    return Pinning::rule;
  }
  if (!guest.is_directory("/etc/udev/rules.d")) {
    return Pinning::none;
  }
  for (const std::string& file : guest.glob("/etc/udev/rules.d/*.rules")) {
    const auto text = text_file(guest, file);
    if (text &&
        (text->find("ATTR{") != std::string::npos || text->find("ATTRS{") != std::string::npos)) {
      return Pinning::rule;
    }
  }
  return Pinning::rule_of_old_udev;
}

void write_link(Host& guest, const Named& interface) {
  // Path=?* leaves out VLANs, which have the card's MAC but no place on a bus.
  guest.update("/etc/systemd/network/10-vmconvert-" + interface.name + ".link",
               "# Written by vmconvert: " + interface.file + " names this interface " +
                   interface.name +
                   ".\n# Matched by MAC, the name survives the change from Xen's network driver.\n"
                   "[Match]\nMACAddress=" +
                   interface.nic.mac + "\nPath=?*\n\n[Link]\nName=" + interface.name + "\n");
}

void write_rule(Host& guest, const Named& interface, std::string_view attribute) {
  const auto files = rule_files(guest);
  std::string file(k_own_rules);
  if (!files.empty()) {
    file = files.front();
  } else if (guest.is_link(file)) {  // to /dev/null: the administrator wants no generated rules
    file = k_other_rules;
  }
  std::string text = text_file(guest, file).value_or("");
  if (!text.empty() && !text.ends_with('\n')) {
    text += '\n';
  }
  text += text.empty() ? "" : "\n";
  text += "# Written by vmconvert: " + interface.file + " names this interface " + interface.name +
          "\nSUBSYSTEM==\"net\", ACTION==\"add\", DRIVERS==\"?*\", " + std::string(attribute) +
          "{address}==\"" + interface.nic.mac + "\", NAME=\"" + interface.name + "\"\n";
  guest.update(file, text);
}

}  // namespace

std::map<std::string, std::string> read_pins(Host& guest) {
  std::map<std::string, std::string> pins;
  for (const std::string& file : guest.glob("/etc/systemd/network/*.link")) {
    std::string mac, name;
    for (const Setting& setting : settings_of(lines_of(text_file(guest, file).value_or("")))) {
      if (setting.section == "Match" && setting.key == "MACAddress") {
        mac = valid_mac(setting.value);
      } else if (setting.section == "Link" && setting.key == "Name") {
        name = setting.value;
      }
    }
    if (!mac.empty() && !name.empty()) {
      pins.emplace(mac, name);
    }
  }
  for (const std::string& file : rule_files(guest)) {
    for (const Line& line : lines_of(text_file(guest, file).value_or(""))) {
      if (const auto rule = rule_of(line.text)) {
        pins[rule->mac] = rule->name;
      }
    }
  }
  return pins;
}

std::vector<std::string> drop_wrong_rules(Host& guest, const std::vector<Named>& interfaces) {
  std::vector<std::string> dropped;
  const auto edit = [&](const std::string& file, std::string_view line) {
    const auto rule = rule_of(line);
    for (const Named& interface : interfaces) {
      if (!rule || interface.nic.mac.empty()) {
        continue;
      }
      const bool own = rule->mac == interface.nic.mac;
      if (own && rule->xen_only) {
        dropped.push_back(rule->mac);
        return std::optional(commented_out(line));
      }
      if (!own && rule->name == interface.name) {
        guest.finding("network-stale-rule", VMCONVERT_INFORMS,
                      file + " gave the name " + rule->name + " to " + rule->mac +
                          ", which no interface with that name has; the rule was taken out",
                      "Nothing to do.");
        return std::optional(commented_out(line));
      }
    }
    return std::optional<std::string>();
  };
  for (const std::string& file : rule_files(guest)) {
    edit_lines(guest, file, [&](std::string_view line) { return edit(file, line); });
  }
  return dropped;
}

void pin(Host& guest, const Named& interface) {
  switch (pinning_of(guest)) {
    case Pinning::link_file: return write_link(guest, interface);
    case Pinning::rule: return write_rule(guest, interface, "ATTR");
    case Pinning::rule_of_old_udev: return write_rule(guest, interface, "SYSFS");
    case Pinning::none: break;
  }
  guest.log("no udev in the guest: " + interface.name + " keeps the kernel's own name");
}

}  // namespace vmconvert::fixer::network
