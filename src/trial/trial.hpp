// Boots a patched guest and watches whether it reaches its login prompt. Nothing of it stays: the
// guest writes into throwaway overlays, its network leads nowhere, and the disks that were given
// are only read.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "model/progress.hpp"
#include "trial/console.hpp"
#include "trial/machine.hpp"

namespace vmconvert::trial {

struct TrialResult {
  bool booted = false;
  Ending ending = Ending::timed_out;
  double seconds = 0;
  std::string evidence;  // the line that proved it
  std::string cause;     // for people: what it means
  std::vector<std::string> last_lines;
  std::filesystem::path console_log;      // empty when none was wanted
  std::vector<std::string> failed_units;  // services that failed on the way
};

// A guest that does not boot is a result. Throws not_found when QEMU is not installed, unsupported
// for a machine that we cannot play, tool_failed when QEMU does not run, interrupted.
// Progress: stage "trial"; what = the console's last line; done and total in seconds of the limit.
TrialResult run_trial(const TrialRequest& request, const model::ProgressSink& progress);

}  // namespace vmconvert::trial
