// Services, mounts and kernel settings that only work under Xen.
#include <array>

#include "leftovers.hpp"

namespace vmconvert::fixer::leftovers {

namespace {

constexpr std::array<std::string_view, 3> k_services = {"xe-linux-distribution", "xe-daemon",
                                                        "xendomains"};

void report_start_links(Host& guest, const std::string& service) {
  for (const std::string folder : {"/etc/rc[2-5].d/S[0-9][0-9]", "/etc/rc.d/rc[2-5].d/S[0-9][0-9]",
                                   "/etc/init.d/rc[2-5].d/S[0-9][0-9]"}) {
    if (!guest.glob(folder + service).empty()) {
      guest.finding("xen-service-enabled", VMCONVERT_INFORMS,
                    "the service " + service + " is started at boot and has no use on KVM",
                    "Disable or remove it in the guest when convenient.");
      return;
    }
  }
}

// Kudzu (Red Hat 4 and 5) asks at boot about each piece of changed hardware, and takes the network
// configuration of a card that is gone with it.
void stop_kudzu(Host& guest) {
  std::vector<std::string> links;
  for (const std::string folder : {"/etc/rc.d/rc[2-5].d/", "/etc/rc[2-5].d/"}) {
    if (links.empty()) {  // the second is a link to the first
      links = guest.glob(folder + "S[0-9][0-9]kudzu");
    }
  }
  for (const std::string& link : links) {
    guest.remove(link);
  }
  if (!links.empty()) {
    guest.finding(
        "kudzu-stopped", VMCONVERT_INFORMS,
        "kudzu would have asked about the new hardware at boot and could have dropped the "
        "network's configuration; it no longer starts",
        "Run chkconfig kudzu on in the guest if it is wanted.");
  }
}

}  // namespace

void fix_services(Host& guest) {
  for (const std::string_view name : k_services) {
    const std::string service(name);
    for (const std::string& link :
         guest.glob("/etc/systemd/system/*.wants/" + service + ".service")) {
      guest.remove(link);
    }
    report_start_links(guest, service);
  }
  stop_kudzu(guest);
}

void fix_mounts_and_sysctl(Host& guest) {
  // A mount of a type that the kernel does not know stops systemd in its emergency mode.
  edit_lines(guest, "/etc/fstab", [](std::string_view line) -> std::optional<std::string> {
    const auto words = active_words(line);
    return words.size() >= 3 && words[2] == "xenfs" ? std::optional(commented_out(line))
                                                    : std::nullopt;
  });
  std::vector<std::string> files = guest.glob("/etc/sysctl.d/*.conf");
  files.emplace_back("/etc/sysctl.conf");
  for (const std::string& file : files) {
    edit_lines(guest, file, [](std::string_view line) -> std::optional<std::string> {
      const std::string_view text = trimmed(line);
      return text.starts_with("xen.") || text.starts_with("xen/") || text.starts_with("-xen.")
                 ? std::optional(commented_out(line))
                 : std::nullopt;
    });
  }
}

}  // namespace vmconvert::fixer::leftovers
