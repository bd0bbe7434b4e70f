// vmconvert inspect: what is inside.
#include "cli/commands.hpp"
#include "cli/exit_code.hpp"
#include "cli/run.hpp"
#include "report/json.hpp"
#include "report/text.hpp"

namespace vmconvert::cli {

int run_inspect(const Options& options, ProgressView& view) {
  // inspect prints an object of its own, and only when it succeeded.
  Options text_errors = options;
  text_errors.json = false;
  text_errors.no_site_checks = true;  // they would run for findings that nobody sees
  return with_conversion(text_errors, view, [&](job::Conversion& conversion) {
    conversion.read_source();
    conversion.look_inside();
    print(view, options.json ? report::inspection_to_json(conversion.domain(), conversion.guest(),
                                                          conversion.layout()) +
                                   "\n"
                             : report::inspection_to_text(conversion.domain(), conversion.guest(),
                                                          conversion.layout()));
    return k_exit_done;
  });
}

}  // namespace vmconvert::cli
