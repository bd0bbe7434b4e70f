// vmconvert trial: patch an overlay and boot it; nothing is copied.
#include <fmt/format.h>

#include "cli/commands.hpp"
#include "cli/exit_code.hpp"
#include "cli/run.hpp"
#include "report/json.hpp"
#include "report/text.hpp"

namespace vmconvert::cli {

int run_trial(const Options& options, ProgressView& view) {
  Options with_trial = options;
  with_trial.trial = true;
  return with_conversion(with_trial, view, [&](job::Conversion& conversion) {
    conversion.read_source();
    conversion.refuse_if_blocked();
    conversion.patch();
    conversion.refuse_if_blocked();
    const model::Plan plan = conversion.make_plan();
    conversion.carry_out(plan);
    if (options.json) {
      print(view, report::to_json(conversion.result()) + "\n");
    } else {
      print(view,
            fmt::format("{}:\n{}", plan.source.name, report::summary_to_text(conversion.result())));
    }
    return k_exit_done;
  });
}

}  // namespace vmconvert::cli
