// What the operator asks of the guest's inside beyond the move itself. Fixers are told of it;
// whoever fills it (options, a blueprint) has checked what is in it.
#pragma once

#include <string>
#include <vector>

namespace vmconvert::model {

// move: one machine, before and after. clone: a second machine. both_alive: a second machine on the
// same network as the first.
enum class IdentityProfile { move, clone, both_alive };
const char* to_string(IdentityProfile profile);  // move, clone, both-alive

struct AddressChange {
  std::string from;
  std::string to;
  unsigned prefix = 0;  // of the new address; 0: as before

  bool operator==(const AddressChange&) const = default;
};

struct Wishes {
  IdentityProfile identity = IdentityProfile::move;
  std::vector<std::string> keep;   // groups that the profile would reset
  std::vector<std::string> reset;  // groups that the profile would keep
  bool scrub = false;      // secrets, histories and logs go, and what they left in free blocks
  bool new_uuids = false;  // of filesystems, volumes, tables
  std::string hostname;    // empty: as it is
  // Files of this host: packages that the guest's own rpm or dpkg installs first of all.
  std::vector<std::string> kernel_packages = {};
  std::vector<AddressChange> addresses;
  std::vector<std::string> gateways;  // one a family
  std::vector<std::string> dns;

  bool operator==(const Wishes&) const = default;
};

}  // namespace vmconvert::model
