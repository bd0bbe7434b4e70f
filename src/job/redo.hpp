// A finished job's definition, made anew: another name, memory, bridge, connection. The disks stay
// as they are, and the source is not looked at.
#pragma once

#include <filesystem>
#include <string>

#include "job/request.hpp"

namespace vmconvert::job {

struct RedoWishes {
  std::string name;                  // empty: as it is
  model::Adjustments adjustments;    // laid over those that the job began with
  std::string target_uri;            // empty: where it is, or nowhere
  std::filesystem::path stylesheet;  // empty: as before
  bool start = false;

  [[nodiscard]] bool empty() const {
    return name.empty() && adjustments.empty() && target_uri.empty() && stylesheet.empty() &&
           !start;
  }
};

struct Redone {
  std::string job;
  std::string name;
  std::filesystem::path description;
  std::string defined_on;  // empty: a description alone
  bool started = false;
  std::string diff;  // of the two descriptions
};

// What the job's record names afterwards is what is there: undo takes the new definition back. If
// the new one cannot be defined, the old one is there again. Error(usage) for a job that is not
// done, Error(refused) for a name that another domain has, or for an old domain that runs and would
// have to go.
Redone redo_definition(const std::filesystem::path& state_dir, const std::string& job,
                       const RedoWishes& wishes, const Tools& tools);

}  // namespace vmconvert::job
