// Groups that need more than forgetting files.
#include "identity.hpp"

namespace vmconvert::fixer::identity {

namespace {

constexpr int k_log_depth = 8;
constexpr std::size_t k_log_limit = 5000;

// Binary logs of databases are their data: without them a server does not start.
bool is_data(std::string_view name) {
  return name.find("-bin.") != std::string_view::npos ||
         name.find("-relay") != std::string_view::npos || name.find("binlog") != std::string::npos;
}

bool is_old_log(std::string_view name) {
  for (const std::string_view ending : {".gz", ".xz", ".bz2", ".zst", ".old", ".journal"}) {
    if (name.ends_with(ending)) {
      return true;
    }
  }
  const std::size_t dot = name.rfind('.');
  const std::string_view tail = dot == std::string_view::npos ? "" : name.substr(dot + 1);
  const std::size_t dash = name.rfind('-');
  const std::string_view date = dash == std::string_view::npos ? "" : name.substr(dash + 1);
  const auto digits = [](std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
  };
  return digits(tail) || (digits(date) && date.size() == 8);
}

// A log that a service expects stays, empty: it may not be able to make it again by itself.
bool walk_logs(Host& guest, const std::string& folder, const Group& group, int depth,
               std::size_t& left) {
  for (const std::string& name : guest.list(folder)) {
    const std::string path = folder + "/" + name;
    if (left == 0 || depth == 0) {
      return false;
    }
    --left;
    if (guest.is_link(path) || is_data(name)) {
      continue;
    }
    if (folder == "/var/log/journal" && guest.is_directory(path)) {
      guest.forget(path, Host::Keep::nothing, group.what);
    } else if (guest.is_directory(path)) {
      if (!walk_logs(guest, path, group, depth - 1, left)) {
        return false;
      }
    } else if (guest.is_file(path)) {
      guest.forget(path, is_old_log(name) ? Host::Keep::nothing : Host::Keep::empty_file,
                   group.what);
    }
  }
  return true;
}

}  // namespace

void reset_logs(Host& guest, const Group& group) {
  std::size_t left = k_log_limit;
  if (!walk_logs(guest, "/var/log", group, k_log_depth, left)) {
    guest.finding("identity-logs-left", VMCONVERT_WARNS,
                  "/var/log holds more than " + std::to_string(k_log_limit) + " files, or is " +
                      std::to_string(k_log_depth) + " folders deep; the rest of them stays",
                  "Clean it up in the copy.");
  }
}

// systemd takes an id that D-Bus has over a new one, so both go. The file stays, empty: without it
// systemd would take this for the first boot ever and enable services anew.
void reset_machine_id(Host& guest, const Group& group) {
  for (const std::string path : {"/etc/machine-id", "/var/lib/dbus/machine-id"}) {
    const std::string id(trimmed(lines_of(guest.read_if_there(path).value_or("")).empty()
                                     ? ""
                                     : lines_of(guest.read(path)).front().text));
    if (id.size() == 32) {
      guest.watch_finding("identity-left", VMCONVERT_INFORMS, id,
                          "the old machine id still stands in",
                          "Boot entries named by it go on working; look at the others.");
    }
  }
  if (guest.is_file("/etc/machine-id")) {
    guest.forget("/etc/machine-id", Host::Keep::empty_file, group.what);
  }
  if (!guest.is_link("/var/lib/dbus/machine-id")) {
    guest.forget("/var/lib/dbus/machine-id", Host::Keep::nothing, group.what);
  }
}

// Debian's start script makes a name where the file asks for one, and fails without the file; that
// of Red Hat makes one where there is no file.
void reset_iscsi(Host& guest, const Group& group) {
  const std::string path = "/etc/iscsi/initiatorname.iscsi";
  const bool asks = guest.exists("/lib/open-iscsi/startup-checks.sh") ||
                    guest.exists("/usr/lib/open-iscsi/startup-checks.sh");
  if (!asks) {
    guest.forget(path, Host::Keep::nothing, group.what);
    return;
  }
  guest.conceal(path, group.what);
  guest.update(path, "GenerateName=yes\n", 0600);
}

// As a new instance without its cloud, cloud-init would fall back to DHCP on the first card.
void reset_cloud_init(Host& guest, const Group& group) {
  forget_places(guest, group);
  if (guest.is_directory("/etc/cloud/cloud.cfg.d")) {
    guest.update("/etc/cloud/cloud.cfg.d/99-vmconvert-network.cfg",
                 "# The network is configured already: cloud-init leaves it alone.\n"
                 "network: {config: disabled}\n");
  }
}

// A Puppet server of the classic layout keeps its authority in the same folder.
void reset_puppet(Host& guest, const Group& group) {
  for (const Place& place : group.places) {
    const std::string folder = place.pattern;
    if (guest.is_directory(folder + "/ca")) {
      guest.finding("identity-kept", VMCONVERT_WARNS,
                    "puppet: " + folder + " holds a certificate authority and is left as it is",
                    "Renew the agent's certificate in the copy.");
    } else {
      guest.forget(folder, Host::Keep::nothing, group.what);
    }
  }
}

}  // namespace vmconvert::fixer::identity
