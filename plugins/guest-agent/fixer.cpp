// QEMU's guest agent, where the guest has it: started from the first boot on. The new domain has
// the channel that it listens to.
#include <vmconvert/fixer_text.hpp>

namespace vmconvert::fixer::guest_agent {

namespace {

const std::string k_own_units = "/etc/systemd/system/";

// What the unit's [Install] section asks for; nothing for a unit that udev starts (Debian's).
std::vector<std::string> wanted_by(std::string_view unit) {
  std::vector<std::string> found;
  bool install = false;
  for (const Line& line : lines_of(unit)) {
    const std::string_view text = trimmed(line.text);
    if (text.starts_with('[')) {
      install = text == "[Install]";
    }
    const auto value = install ? value_of(text, "WantedBy") : std::nullopt;
    for (const std::string_view target : words_of(value.value_or(""))) {
      const bool plain = target.find('/') == std::string_view::npos && !target.starts_with('.');
      if (plain) {
        found.emplace_back(target);
      }
    }
  }
  return found;
}

void enable_unit(Host& guest, const std::string& path) {
  const std::string name = path.substr(path.rfind('/') + 1);
  const auto unit = text_file(guest, path);
  if (!unit || guest.is_link(k_own_units + name)) {
    return;  // masked, or set up by hand
  }
  for (const std::string& target : wanted_by(*unit)) {
    const std::string link = k_own_units + target + ".wants/" + name;
    if (!guest.is_link(link) && !guest.exists(link)) {
      guest.symlink(link, path.starts_with("/usr/") ? path : "/lib/systemd/system/" + name);
    }
  }
}

void fix(Host& guest) {
  if (guest.facts().to != "kvm") {
    return;
  }
  for (const std::string name : {"qemu-guest-agent.service", "qemu-ga.service"}) {
    for (const std::string folder : {"/usr/lib/systemd/system/", "/lib/systemd/system/"}) {
      if (guest.is_file(folder + name)) {
        enable_unit(guest, folder + name);
        break;  // one is often a link to the other
      }
    }
  }
  if (guest.is_file("/etc/init.d/qemu-ga") &&
      guest.glob("/etc/rc.d/rc[2-5].d/S[0-9][0-9]qemu-ga").empty()) {
    guest.finding("guest-agent-off", VMCONVERT_INFORMS,
                  "the guest has QEMU's guest agent, and does not start it",
                  "Run chkconfig qemu-ga on in the guest.");
  }
}

}  // namespace

}  // namespace vmconvert::fixer::guest_agent

VMCONVERT_FIXER("guest-agent", "starts QEMU's guest agent where it is installed", 510,
                vmconvert::fixer::guest_agent::fix)
