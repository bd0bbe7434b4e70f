// vmconvert config: what is set, and who set it.
#include "cli/commands.hpp"
#include "cli/exit_code.hpp"
#include "cli/run.hpp"
#include "cli/settings.hpp"

namespace vmconvert::cli {

int run_config(const Options& options, ProgressView& view) {
  if (options.example) {
    print(view, example_settings());
  } else {
    print(view, options.json ? settings_to_json(options) : settings_to_text(options));
  }
  return k_exit_done;
}

}  // namespace vmconvert::cli
