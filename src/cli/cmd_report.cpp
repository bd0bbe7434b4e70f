// vmconvert report: a job's record as one HTML file.
#include <fmt/format.h>

#include <filesystem>

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "base/fd.hpp"
#include "cli/commands.hpp"
#include "cli/exit_code.hpp"
#include "cli/paths.hpp"
#include "cli/run.hpp"
#include "job/job_control.hpp"
#include "job/saved_report.hpp"
#include "report/html.hpp"

namespace vmconvert::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t k_console = 16U << 20U;

// What somebody took away, or let grow beyond what a page can show, is left out.
std::string console_of(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error) && fs::file_size(path, error) <= k_console && !error
             ? read_text_file(path, k_console)
             : std::string();
}

}  // namespace

int run_report(const Options& options, ProgressView& view) {
  const fs::path state_dir =
      options.state_dir.empty() ? default_state_dir() : fs::absolute(options.state_dir);
  const job::JobView job = job::find_job(state_dir, options.job);
  const fs::path kept = state_dir / "jobs" / job.record.id / "kept";
  auto report = job::load_report(kept);
  if (!report) {
    throw Error(
        ErrorKind::not_found,
        fmt::format("the job {} left nothing that a report could be made of", job.record.id),
        "vmconvert status tells what its journal has; jobs that were undone, or never came "
        "to a plan, have no report");
  }
  const std::string page =
      report::job_to_html({std::move(*report), job.state_text(), console_of(kept / "console.log")});
  if (options.output.empty() || options.output == "-") {
    print(view, page);
    return k_exit_done;
  }
  AtomicFile file(options.output, 0600);  // it has the guest's files in it
  file.write(page);
  file.commit(Overwrite::yes);
  if (!options.quiet) {
    print(view, fmt::format("{}\n", fs::absolute(options.output).string()));
  }
  return k_exit_done;
}

}  // namespace vmconvert::cli
