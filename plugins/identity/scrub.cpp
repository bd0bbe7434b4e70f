// --scrub: what an image that leaves the house must not hold. Groups of the table, whatever the
// profile; what they leave in free blocks is overwritten once all fixers are done.
#include <array>

#include "identity.hpp"

namespace vmconvert::fixer::identity {

namespace {

constexpr std::array<std::string_view, 26> k_scrubbed = {"machine-id",
                                                         "dhcp",
                                                         "ssh-host",
                                                         "ssh-user",
                                                         "random-seed",
                                                         "systemd-secret",
                                                         "cloud-init",
                                                         "zerotier",
                                                         "tailscale",
                                                         "overlays",
                                                         "salt",
                                                         "puppet",
                                                         "chef",
                                                         "subscription",
                                                         "kerberos",
                                                         "docker",
                                                         "kubernetes",
                                                         "monitoring",
                                                         "security-agents",
                                                         "cloud-agents",
                                                         "ci",
                                                         "crashes",
                                                         "logs",
                                                         "histories",
                                                         "caches",
                                                         "user-secrets"};

bool has_password(std::string_view line) {
  const std::size_t first = line.find(':');
  const std::size_t second = line.find(':', std::min(line.size(), first + 1));
  return first != std::string_view::npos && second != std::string_view::npos &&
         second > first + 3 && line[first + 1] == '$';
}

}  // namespace

bool is_scrubbed(const Group& group) {
  return std::find(k_scrubbed.begin(), k_scrubbed.end(), group.name) != k_scrubbed.end();
}

// Without its password hashes nobody could log in any more: only said.
void report_passwords(Host& guest) {
  std::string users;
  for (const Line& line : lines_of(guest.read_if_there("/etc/shadow").value_or(""))) {
    if (has_password(line.text)) {
      users += (users.empty() ? "" : ", ") + line.text.substr(0, line.text.find(':'));
    }
  }
  if (!users.empty()) {
    guest.finding("scrub-passwords", VMCONVERT_WARNS,
                  "password hashes stay in /etc/shadow: " + users,
                  "Change or lock these passwords before the image is given away.");
  }
}

}  // namespace vmconvert::fixer::identity
