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
    const std::size_t outside = conversion.result().findings.size();
    const bool goes_on = !model::any_blocks(conversion.result().findings);
    if (!options.json && goes_on && outside > 0) {
      print(view, fmt::format("{}: {} finding(s) from outside; looking inside\n{}",
                              conversion.result().guest, outside,
                              report::findings_to_text(conversion.result().findings)));
    }
    // What blocks from outside is reported alone: the inside of a cut-off disk says nothing more.
    if (goes_on) {
      conversion.patch();
    }
    model::RunResult& result = conversion.result();
    result.state = model::RunState::checked;
    const bool blocked = model::any_blocks(result.findings);
    // Those from outside were printed while the appliance started.
    const auto seen = static_cast<std::ptrdiff_t>(goes_on ? outside : 0);
    const model::Findings unseen(result.findings.begin() + seen, result.findings.end());
    if (options.json) {
      print(view, report::to_json(result) + "\n");
    } else {
      print(view, result.findings.empty()
                      ? fmt::format("{}: nothing stands in the way\n", result.guest)
                      : fmt::format("{}: {} finding(s){}\n{}", result.guest, result.findings.size(),
                                    blocked ? ", the conversion would be refused" : "",
                                    report::findings_to_text(unseen)));
    }
    return blocked ? k_exit_refused : k_exit_done;
  });
}

}  // namespace vmconvert::cli
