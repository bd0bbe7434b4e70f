// vmconvert check: findings only.
#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "cli/commands.hpp"
#include "cli/exit_code.hpp"
#include "cli/run.hpp"
#include "report/json.hpp"
#include "report/text.hpp"

namespace vmconvert::cli {

int run_check(const Options& options, ProgressView& view) {
  return with_conversion(options, view, [&](job::Conversion& conversion) {
    conversion.read_source();
    // What blocks from outside is reported alone: the inside of a cut-off disk says nothing more.
    if (!model::any_blocks(conversion.result().findings)) {
      conversion.patch();
    }
    model::RunResult& result = conversion.result();
    result.state = model::RunState::checked;
    const bool blocked = model::any_blocks(result.findings);
    if (options.json) {
      print(view, report::to_json(result) + "\n");
    } else {
      print(view, result.findings.empty()
                      ? fmt::format("{}: nothing stands in the way\n", result.guest)
                      : fmt::format("{}: {} finding(s){}\n{}", result.guest, result.findings.size(),
                                    blocked ? ", the conversion would be refused" : "",
                                    report::findings_to_text(result.findings)));
    }
    return blocked ? k_exit_refused : k_exit_done;
  });
}

}  // namespace vmconvert::cli
