// Decides group by group what becomes of the guest's identity, and says so. Nothing is read or
// changed for a plain move.
#include "identity.hpp"

namespace vmconvert::fixer::identity {

namespace {

constexpr std::size_t k_named_paths = 5;

bool has(const std::vector<std::string>& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

std::string listed(const std::vector<std::string>& paths) {
  std::string text;
  for (std::size_t i = 0; i < paths.size() && i < k_named_paths; ++i) {
    text += (i == 0 ? "" : ", ") + paths[i];
  }
  return paths.size() <= k_named_paths
             ? text
             : text + " and " + std::to_string(paths.size() - k_named_paths) + " more";
}

// A name that nothing answers to would be a wish that was silently passed over.
bool knows_all(Host& guest, const std::vector<std::string>& names) {
  bool all = true;
  for (const std::string& name : names) {
    if (find_group(name) == nullptr) {
      std::string known;
      for (const Group& group : groups()) {
        known += (known.empty() ? "" : ", ") + std::string(group.name);
      }
      guest.finding("identity-unknown-group", VMCONVERT_BLOCKS,
                    "there is no group of the identity named " + name,
                    "Name one of these: " + known + ".");
      all = false;
    }
  }
  return all;
}

void reset(Host& guest, const Group& group) {
  const std::vector<std::string> found = found_of(guest, group);
  if (found.empty()) {
    return;
  }
  if (group.reset != nullptr) {
    group.reset(guest, group);
  } else {
    forget_places(guest, group);
  }
  if (!std::string_view(group.after).empty()) {
    guest.finding("identity-renewed", VMCONVERT_INFORMS,
                  std::string(group.name) + ": the copy does not have the " + group.what +
                      " of the original (" + listed(found) + ")",
                  group.after);
  }
}

void keep(Host& guest, const Group& group, vmconvert_severity severity) {
  const std::vector<std::string> found = found_of(guest, group);
  if (found.empty()) {
    return;
  }
  guest.finding("identity-kept", severity,
                std::string(group.name) + ": the copy shares the " + group.what +
                    " of the original (" + listed(found) + ")",
                group.mode == Mode::report ? "Renew it in the copy before both are used."
                                           : "Add --identity-reset " + std::string(group.name) +
                                                 ", or renew it in the copy before both are used.");
}

// The guest asks its hypervisor for a machine id, and gets the UUID of the domain.
void warn_of_returning_id(Host& guest) {
  std::string id =
      lower(trimmed(guest.read_if_there("/etc/machine-id").value_or("").substr(0, 32)));
  std::string uuid = lower(guest.facts().domain_uuid);
  uuid.erase(std::remove(uuid.begin(), uuid.end(), '-'), uuid.end());
  if (id.size() == 32 && id == uuid && guest.facts().to == "kvm") {
    guest.finding("identity-machine-id-returns", VMCONVERT_WARNS,
                  "the guest made its machine id from the UUID of the domain, and will do so again",
                  "Give the new domain another UUID: --identity-reset domain.");
  }
}

void report_addresses(Host& guest, const Wishes& wishes) {
  if (wishes.addresses.empty()) {
    guest.finding("identity-address", VMCONVERT_WARNS,
                  "both are to live, and no new address was given: static addresses of the guest "
                  "stay as they are",
                  "Give each one a new one, unless the guest has none but by DHCP: --address "
                  "OLD=NEW.");
  }
}

void report_name(Host& guest, const Wishes& wishes) {
  if (wishes.hostname.empty()) {
    guest.finding("identity-hostname", VMCONVERT_INFORMS,
                  "the copy has the host name of the original",
                  "Give it one of its own: --hostname NAME.");
  }
}

void fix(Host& guest) {
  const Wishes& wishes = guest.facts().wishes;
  const bool copies = wishes.identity != "move";
  if (!copies && wishes.reset.empty() && wishes.keep.empty() && wishes.macs.empty() &&
      !wishes.scrub) {
    return;
  }
  if (!knows_all(guest, wishes.keep) || !knows_all(guest, wishes.reset)) {
    return;
  }
  follow_macs(guest);
  for (const Group& group : groups()) {
    const bool kept = has(wishes.keep, group.name);
    const bool named =
        has(wishes.reset, group.name) || (wishes.scrub && !kept && is_scrubbed(group));
    if (named && group.mode == Mode::report) {
      keep(guest, group, VMCONVERT_WARNS);
    } else if (named || (copies && group.mode == Mode::reset && !kept)) {
      if (std::string_view(group.name) == "machine-id") {
        warn_of_returning_id(guest);
      }
      reset(guest, group);
    } else if (wishes.scrub && group.mode == Mode::report) {
      keep(guest, group, VMCONVERT_WARNS);
    } else if (copies) {
      keep(guest, group, kept ? VMCONVERT_INFORMS : group.kept);
    }
  }
  if (copies) {
    report_name(guest, wishes);
  }
  if (wishes.scrub) {
    report_passwords(guest);
  }
  if (wishes.identity == "both-alive") {
    report_addresses(guest, wishes);
  }
}

}  // namespace

// What is forgotten already is not there: a file that is empty, a folder with nothing in it.
std::vector<std::string> found_of(Host& guest, const Group& group) {
  std::vector<std::string> found;
  for (const Place& place : group.places) {
    for (std::string& path : guest.glob(place.pattern)) {
      const std::string_view name = std::string_view(path).substr(path.rfind('/') + 1);
      if (name == "." || name == "..") {
        continue;
      }
      const bool bare_folder =
          !guest.is_link(path) && guest.is_directory(path) && guest.list(path).empty();
      const bool bare_file = place.action == Action::empty && guest.is_file(path) &&
                             guest.read(path, 512U << 20U).empty();
      if (!bare_folder && !bare_file) {
        found.push_back(std::move(path));
      }
    }
  }
  return found;
}

void forget_places(Host& guest, const Group& group) {
  for (const Place& place : group.places) {
    for (const std::string& path : guest.glob(place.pattern)) {
      guest.forget(path,
                   place.action == Action::empty ? Host::Keep::empty_file : Host::Keep::nothing,
                   group.what);
    }
  }
}

}  // namespace vmconvert::fixer::identity

VMCONVERT_FIXER("identity", "renews who the guest is, where a copy is to live beside it", 50,
                vmconvert::fixer::identity::fix)
