// The exit codes are a contract: cron jobs and scripts look at them.
#pragma once

#include "base/error.hpp"

namespace vmconvert::cli {

enum ExitCode : int {
  k_exit_done = 0,
  k_exit_failed = 1,  // and undone
  k_exit_usage = 2,
  k_exit_refused = 3,
  k_exit_trial_failed = 4,
  k_exit_mismatch = 5,
  k_exit_interrupted = 6,
  k_exit_busy = 75,
};

ExitCode exit_code_for(ErrorKind kind);

}  // namespace vmconvert::cli
