#include "cli/exit_code.hpp"

namespace vmconvert::cli {

ExitCode exit_code_for(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::usage: return k_exit_usage;
    case ErrorKind::refused: return k_exit_refused;
    case ErrorKind::trial_failed: return k_exit_trial_failed;
    case ErrorKind::mismatch: return k_exit_mismatch;
    case ErrorKind::interrupted: return k_exit_interrupted;
    case ErrorKind::busy: return k_exit_busy;
    case ErrorKind::bad_input:
    case ErrorKind::not_found:
    case ErrorKind::unsupported:
    case ErrorKind::tool_failed:
    case ErrorKind::io:
    case ErrorKind::internal: return k_exit_failed;
  }
  return k_exit_failed;
}

}  // namespace vmconvert::cli
