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
  if (options.dir.empty() && options.vg.empty() && options.pool.empty()) {
    throw Error(ErrorKind::usage, "convert needs a place for the new disks",
                "name a folder (--dir DIR), a volume group (--vg VG) or a storage pool "
                "(--pool POOL)");
  }
  Options recorded = options;
  recorded.record = true;
  return with_conversion(recorded, view, [&](job::Conversion& conversion) {
    return convert_from_the_start(conversion, options, view);
  });
}

int convert_from_the_start(job::Conversion& conversion, const Options& options,
                           ProgressView& view) {
  conversion.read_source();
  view.announce(conversion.result().job, conversion.result().guest);
  conversion.refuse_if_blocked();
  conversion.patch();
  conversion.refuse_if_blocked();
  const model::Plan plan = conversion.make_plan();
  if (!options.json && !options.quiet) {
    print(view, report::plan_to_text(
                    plan, options.verbose > 0 ? report::Detail::full : report::Detail::short_form));
  }
  return finish_conversion(conversion, plan, options, view);
}

int finish_conversion(job::Conversion& conversion, const model::Plan& plan, const Options& options,
                      ProgressView& view) {
  conversion.carry_out(plan);
  const model::RunResult& result = conversion.result();
  if (options.json) {
    print(view, report::to_json(result) + "\n");
  } else if (!options.quiet) {
    print(view,
          fmt::format("Converted {}:\n{}", plan.source.name, report::summary_to_text(result)));
  }
  return k_exit_done;
}

}  // namespace vmconvert::cli
