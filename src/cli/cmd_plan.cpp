// vmconvert plan: what convert would do, as the very object that it carries out.
#include "cli/commands.hpp"
#include "cli/exit_code.hpp"
#include "cli/run.hpp"
#include "report/json.hpp"
#include "report/text.hpp"

namespace vmconvert::cli {

int run_plan(const Options& options, ProgressView& view) {
  return with_conversion(options, view, [&](job::Conversion& conversion) {
    conversion.read_source();
    conversion.refuse_if_blocked();
    conversion.patch();
    const model::Plan plan = conversion.make_plan();
    conversion.result().state = model::RunState::planned;
    if (options.json) {
      print(view, report::to_json(conversion.result(), plan) + "\n");
    } else {
      print(view, report::plan_to_text(plan, report::Detail::full));
    }
    return model::any_blocks(plan.findings) ? k_exit_refused : k_exit_done;
  });
}

}  // namespace vmconvert::cli
