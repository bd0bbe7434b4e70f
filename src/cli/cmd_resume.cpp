// vmconvert resume: an interrupted or killed conversion goes on where it was.
#include <fmt/format.h>

#include "cli/commands.hpp"
#include "cli/exit_code.hpp"
#include "cli/paths.hpp"
#include "cli/run.hpp"

namespace vmconvert::cli {

int run_resume(const Options& options, ProgressView& view) {
  RealCommandRunner commands;
  const std::filesystem::path state_dir = state_dir_of(options.state_dir);
  std::optional<model::Plan> plan;
  const auto conversion =
      job::Conversion::reopen(state_dir, options.job, make_tools(commands, options, view), plan);
  return watch_conversion(*conversion, options, view, [&] {
    if (!plan) {
      return convert_from_the_start(*conversion, options, view);
    }
    view.announce(conversion->result().job, conversion->result().guest);
    return finish_conversion(*conversion, *plan, options, view);
  });
}

}  // namespace vmconvert::cli
