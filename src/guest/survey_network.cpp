// Who configures the network, and which files name the addresses of today.
#include <arpa/inet.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "guest/survey.hpp"

namespace vmconvert::guest {
namespace {

constexpr std::size_t k_most_addresses = 32;
constexpr std::size_t k_most_files = 200;
constexpr std::size_t k_most_uses = 50;

bool has_enabled_unit(GuestRoot& guest, const std::string& unit) {
  return !guest.glob("/etc/systemd/system/*.wants/" + unit).empty();
}

// An interface other than lo.
bool has_ifupdown(GuestRoot& guest) {
  std::vector<std::string> files = guest.glob("/etc/network/interfaces.d/*");
  files.emplace_back("/etc/network/interfaces");
  for (const std::string& file : files) {
    for (const std::string& line : lines(survey_text(guest, file))) {
      const auto parts = words(line);
      if (parts.size() > 1 && parts[0] == "iface" && parts[1] != "lo") {
        return true;
      }
    }
  }
  return false;
}

bool has_ifcfg(GuestRoot& guest) {
  for (const char* folder : {"/etc/sysconfig/network-scripts", "/etc/sysconfig/network"}) {
    for (const std::string& path : guest.glob(std::string(folder) + "/ifcfg-*")) {
      if (!path.ends_with("/ifcfg-lo") && !path.ends_with(".bak") && !path.ends_with(".template")) {
        return true;
      }
    }
  }
  return false;
}

void find_managers(GuestRoot& guest, model::GuestSurvey& survey) {
  const auto add = [&](bool there, const char* name, const char* path) {
    if (there) {
      survey.network_managers.push_back({name, path});
    }
  };
  const bool netplan = !guest.glob("/etc/netplan/*.yaml").empty();
  const bool manager = has_enabled_unit(guest, "NetworkManager.service");
  add(has_ifupdown(guest), "ifupdown", "/etc/network/interfaces");
  add(netplan, "netplan", "/etc/netplan");
  // netplan writes networkd's files, and NetworkManager reads ifcfg files: those are no second one.
  add(!netplan && has_enabled_unit(guest, "systemd-networkd.service") &&
          !guest.glob("/etc/systemd/network/*.network").empty(),
      "systemd-networkd", "/etc/systemd/network");
  add(manager && !guest.glob("/etc/NetworkManager/system-connections/*").empty(), "NetworkManager",
      "/etc/NetworkManager/system-connections");
  add(has_ifcfg(guest) && (!manager || survey.network_managers.empty()), "ifcfg files",
      "/etc/sysconfig");
  add(has_enabled_unit(guest, "dhcpcd.service"), "dhcpcd", "/etc/dhcpcd.conf");
}

bool has_cloud_init(GuestRoot& guest) {
  if (!guest.is_file("/etc/cloud/cloud.cfg") || guest.exists("/etc/cloud/cloud-init.disabled")) {
    return false;
  }
  std::vector<std::string> files = guest.glob("/etc/cloud/cloud.cfg.d/*.cfg");
  files.emplace_back("/etc/cloud/cloud.cfg");
  for (const std::string& file : files) {
    const std::string text = survey_text(guest, file);
    bool in_network = false;
    for (const std::string& line : lines(text)) {
      const std::string squeezed = replace_all(replace_all(line, " ", ""), "\t", "");
      if (squeezed == "network:{config:disabled}" ||
          (in_network && squeezed == "config:disabled")) {
        return false;
      }
      in_network = squeezed == "network:" || (in_network && !line.empty() && line[0] == ' ');
    }
  }
  return true;
}

// "192.0.2.7/24", "192.0.2.7": nothing for what is no address, or one that every guest has.
std::string address_of(std::string_view word) {
  std::string text(word.substr(0, word.find('/')));
  in6_addr parsed{};
  const bool is_address =
      ::inet_pton(AF_INET, text.c_str(), &parsed) == 1 ||
      (text.find(':') != std::string::npos && ::inet_pton(AF_INET6, text.c_str(), &parsed) == 1);
  const bool common = text.starts_with("127.") || text.starts_with("255.") || text == "0.0.0.0" ||
                      text == "::1" || text.starts_with("fe80:") || text == "::";
  return is_address && !common ? text : std::string();
}

// The keys that give an interface its address, in the files of all that configure networks.
void find_addresses(GuestRoot& guest, model::GuestSurvey& survey) {
  std::vector<std::string> files = {"/etc/network/interfaces"};
  for (const char* pattern :
       {"/etc/network/interfaces.d/*", "/etc/sysconfig/network-scripts/ifcfg-*",
        "/etc/sysconfig/network/ifcfg-*", "/etc/netplan/*.yaml", "/etc/systemd/network/*.network",
        "/etc/NetworkManager/system-connections/*"}) {
    const auto more = guest.glob(pattern);
    files.insert(files.end(), more.begin(), more.end());
  }
  for (const std::string& file : files) {
    bool listed = false;   // below netplan's "addresses:"
    bool servers = false;  // below its "nameservers:", which has addresses of others
    for (const std::string& line : lines(survey_text(guest, file))) {
      std::string plain(trim(line));
      const bool item = plain.starts_with("- ");
      const std::string lower = lower_case(plain);
      if (lower.starts_with("nameservers:") || (servers && lower.starts_with("addresses:"))) {
        servers = lower.starts_with("nameservers:");
        listed = false;
        continue;
      }
      const bool key = lower.starts_with("address") || lower.starts_with("ipaddr") ||
                       lower.starts_with("ipv6addr");
      listed = (listed && item) || lower.starts_with("addresses:");
      if (!key && !(listed && item)) {
        continue;
      }
      for (char& c : plain) {
        c = c == '=' || c == '"' || c == '\'' || c == '[' || c == ']' || c == ',' || c == ';' ? ' '
                                                                                              : c;
      }
      bool first = true;
      for (const std::string& word : words(plain)) {
        const std::string address = address_of(word);
        // "192.0.2.7/24,192.0.2.1": what has no prefix behind the first one is a gateway.
        const bool own = !address.empty() && (first || word.find('/') != std::string::npos);
        first = first && address.empty();
        if (own && survey.addresses.size() < k_most_addresses &&
            std::find(survey.addresses.begin(), survey.addresses.end(), address) ==
                survey.addresses.end()) {
          survey.addresses.push_back(address);
        }
      }
    }
  }
}

// Not as a part of a longer one: 10.0.0.1 is not in 10.0.0.12.
bool names_address(const std::string& text, const std::string& address) {
  const auto joins = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || c == '.' || c == ':';
  };
  for (std::size_t at = text.find(address); at != std::string::npos;
       at = text.find(address, at + 1)) {
    const std::size_t end = at + address.size();
    const bool before = at > 0 && joins(text[at - 1]);
    // A port or a full stop may follow.
    const bool after = end < text.size() && text[end] >= '0' && text[end] <= '9';
    if (!before && !after) {
      return true;
    }
  }
  return false;
}

constexpr std::array<const char*, 21> k_places = {"/etc/hosts",
                                                  "/etc/hosts.allow",
                                                  "/etc/exports",
                                                  "/etc/fstab",
                                                  "/etc/ssh/sshd_config",
                                                  "/etc/apache2/ports.conf",
                                                  "/etc/apache2/sites-enabled/*",
                                                  "/etc/httpd/conf/httpd.conf",
                                                  "/etc/httpd/conf.d/*",
                                                  "/etc/nginx/nginx.conf",
                                                  "/etc/nginx/conf.d/*",
                                                  "/etc/nginx/sites-enabled/*",
                                                  "/etc/postfix/main.cf",
                                                  "/etc/my.cnf",
                                                  "/etc/mysql/*/*.cnf",
                                                  "/etc/postgresql/*/*/*.conf",
                                                  "/etc/bind/*",
                                                  "/etc/named.conf",
                                                  "/etc/iptables/*",
                                                  "/etc/sysconfig/iptables",
                                                  "/etc/nftables.conf"};

void find_uses(GuestRoot& guest, model::GuestSurvey& survey) {
  if (survey.addresses.empty()) {
    return;
  }
  std::size_t files = 0;
  for (const char* pattern : k_places) {
    for (const std::string& path : guest.glob(pattern)) {
      if (++files > k_most_files) {
        return;
      }
      const std::string text = survey_text(guest, path);
      for (const std::string& address : survey.addresses) {
        if (survey.address_uses.size() < k_most_uses && names_address(text, address)) {
          survey.address_uses.push_back({address, printable(path)});
        }
      }
    }
  }
}

}  // namespace

void survey_network(GuestRoot& guest, model::GuestSurvey& survey) {
  find_managers(guest, survey);
  survey.cloud_init_network = has_cloud_init(guest);
  find_addresses(guest, survey);
  find_uses(guest, survey);
}

}  // namespace vmconvert::guest
