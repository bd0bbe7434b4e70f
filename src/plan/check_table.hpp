// The ids of all checks of this program (fixers add their own). They are stable: scripts,
// blueprints and --accept name them, and man/vmconvert-check.1 is held against this table.
#pragma once

#include <string>
#include <vector>

#include "model/finding.hpp"

namespace vmconvert::plan {

struct CheckId {
  const char* id;
  model::Severity severity;
  const char* meaning;
};
const std::vector<CheckId>& check_ids();

// With the table's severity. Error(internal) for an id that is not in it.
model::Finding make_finding(const char* id, std::string message, std::string remedy);
// Where what was seen weighs more or less than it mostly does.
model::Finding make_finding(const char* id, model::Severity severity, std::string message,
                            std::string remedy);

}  // namespace vmconvert::plan
