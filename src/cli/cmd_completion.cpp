// vmconvert completion: a script for a shell, made from the command table.
#include "cli/commands.hpp"
#include "cli/completion.hpp"
#include "cli/exit_code.hpp"
#include "cli/run.hpp"

namespace vmconvert::cli {

int run_completion(const Options& options, ProgressView& view) {
  print(view, completion_script(options.shell));
  return k_exit_done;
}

}  // namespace vmconvert::cli
