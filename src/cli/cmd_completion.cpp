// vmconvert completion: a script for bash, made from the command table.
#include "cli/commands.hpp"
#include "cli/exit_code.hpp"
#include "cli/run.hpp"

namespace vmconvert::cli {

int run_completion(const Options&, ProgressView& view) {
  print(view, bash_completion());
  return k_exit_done;
}

}  // namespace vmconvert::cli
