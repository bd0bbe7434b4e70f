// What a check says.
#pragma once

#include <string>
#include <vector>

namespace vmconvert::model {

enum class Severity { blocks, warns, informs };
const char* to_string(Severity severity);

struct Finding {
  std::string id;  // stable, kebab-case: "no-kernel"
  Severity severity = Severity::warns;
  std::string message;        // with the real names and numbers
  std::string remedy;         // a thing to do
  bool acknowledged = false;  // by --accept ID: no longer blocks
};

using Findings = std::vector<Finding>;

// Marks the named findings; returns the ids that no finding has.
std::vector<std::string> acknowledge(Findings& findings, const std::vector<std::string>& ids);
bool any_blocks(const Findings& findings);

}  // namespace vmconvert::model
