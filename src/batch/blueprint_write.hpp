// Blueprints as text: the one that nobody has to begin from an empty page, and the one of a single
// guest that a batch hands to the process that converts it.
#pragma once

#include <string>
#include <vector>

#include "batch/blueprint.hpp"
#include "model/domain.hpp"
#include "model/finding.hpp"

namespace vmconvert::batch {

struct GuestReading {
  std::string source;  // as it shall stand in the file
  std::string connect;
  model::Domain domain;
  std::vector<std::string> disks;  // a line each, for people
  model::Findings findings;        // those from outside
};

// Every key, with a comment; filled in as far as the reading tells.
std::string new_blueprint(const GuestReading& reading);

// Only what is set, for read_blueprint() to read again.
std::string to_toml(const GuestBlueprint& guest);

}  // namespace vmconvert::batch
