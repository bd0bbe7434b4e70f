// What makes a guest this guest and no other, group by group.
#pragma once

#include <string>
#include <string_view>
#include <vector>
#include <vmconvert/fixer_text.hpp>

namespace vmconvert::fixer::identity {

enum class Mode {
  reset,   // by clone and both-alive
  named,   // only by --identity-reset: what depends on it breaks until somebody acts
  report,  // never: no reset of ours would leave it working
};
enum class Action { remove, empty };

struct Place {
  const char* pattern;  // a shell pattern; a folder goes with all that is in it
  Action action = Action::remove;
};

struct Group {
  const char* name;
  Mode mode;
  const char* what;  // "the key of its SSH daemon"; no secret
  // What somebody has to do after a reset; empty: nothing.
  const char* after;
  vmconvert_severity kept;  // how loudly it is said that a copy shares it
  std::vector<Place> places;
  void (*reset)(Host& guest, const Group& group) = nullptr;  // instead of forgetting the places
};

const std::vector<Group>& groups();
const Group* find_group(std::string_view name);

// Paths of the group that are in the guest, and hold something.
std::vector<std::string> found_of(Host& guest, const Group& group);
// Forgets every place of the group.
void forget_places(Host& guest, const Group& group);

// Groups that need more than forgetting files.
void reset_machine_id(Host& guest, const Group& group);
void reset_ssh_host(Host& guest, const Group& group);
void reset_logs(Host& guest, const Group& group);
void reset_iscsi(Host& guest, const Group& group);
void reset_cloud_init(Host& guest, const Group& group);
void reset_puppet(Host& guest, const Group& group);

// scrub.cpp: the groups that --scrub resets, whatever the profile.
bool is_scrubbed(const Group& group);
void report_passwords(Host& guest);

// Old MACs become new ones wherever the network's configuration names them.
void follow_macs(Host& guest);

}  // namespace vmconvert::fixer::identity
