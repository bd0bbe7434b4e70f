// vmconvert xl-config: a Xen guest's description as the configuration that xl starts.
#include "cli/commands.hpp"
#include "cli/exit_code.hpp"
#include "cli/run.hpp"
#include "domain/xl_write.hpp"
#include "job/source.hpp"

namespace vmconvert::cli {

int run_xl_config(const Options& options, ProgressView& view) {
  const job::OpenedSource source = job::open_source({options.source, options.connect});
  print(view, domain::to_xl_config(source.domain.xml, options.source));
  return k_exit_done;
}

}  // namespace vmconvert::cli
