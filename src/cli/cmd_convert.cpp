// vmconvert convert: the whole story.
#include <fmt/format.h>

#include "base/error.hpp"
#include "cli/commands.hpp"
#include "cli/exit_code.hpp"
#include "cli/run.hpp"
#include "report/json.hpp"
#include "report/text.hpp"

namespace vmconvert::cli {

int run_convert(const Options& options, ProgressView& view) {
  if (options.dry_run) {
    return run_plan(options, view);
  }
  if (options.dir.empty()) {
    throw Error(ErrorKind::usage, "convert needs a place for the new disks",
                "name a folder: --dir DIR");
  }
  return with_conversion(options, view, [&](job::Conversion& conversion) {
    conversion.read_source();
    conversion.refuse_if_blocked();
    conversion.patch();
    conversion.refuse_if_blocked();
    const model::Plan plan = conversion.make_plan();
    if (!options.json && !options.quiet) {
      print(view, report::plan_to_text(plan, options.verbose > 0 ? report::Detail::full
                                                                 : report::Detail::short_form));
    }
    conversion.carry_out(plan);
    const model::RunResult& result = conversion.result();
    if (options.json) {
      print(view, report::to_json(result) + "\n");
    } else if (!options.quiet) {
      print(view,
            fmt::format("Converted {}:\n{}", plan.source.name, report::summary_to_text(result)));
    }
    return k_exit_done;
  });
}

}  // namespace vmconvert::cli
