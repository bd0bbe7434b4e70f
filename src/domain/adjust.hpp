// What the operator wants changed in a description, before anything else looks at it; and the note
// of where a description came from.
#pragma once

#include <string>

#include "model/adjustments.hpp"
#include "model/domain.hpp"

namespace vmconvert::domain {

// Memory, processors, bridges, MACs and the kind of Xen guest. `name` is the new guest's: with the
// old MAC it decides the new one, so that every run makes the same.
model::Domain adjusted(const model::Domain& domain, const model::Adjustments& wanted,
                       const std::string& name);

// <metadata>, so that a host can be audited without our state folder.
struct Provenance {
  std::string job;
  std::string source;
  std::string time;  // 2026-11-28T16:00:00Z
  std::string version;
};
inline constexpr const char* k_provenance_namespace = "urn:vmconvert:job:1";

// The description with the note in it, in place of an older one of ours.
std::string with_provenance(const std::string& xml, const Provenance& provenance);

}  // namespace vmconvert::domain
