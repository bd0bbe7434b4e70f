// vmconvert report: a job's record, or that of a whole batch, as one HTML file.
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <vector>

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "base/fd.hpp"
#include "batch/known_guests.hpp"
#include "batch/run.hpp"
#include "cli/batch_page.hpp"
#include "cli/commands.hpp"
#include "cli/exit_code.hpp"
#include "cli/paths.hpp"
#include "cli/run.hpp"
#include "job/job_control.hpp"
#include "job/saved_report.hpp"
#include "report/html.hpp"
#include "report/html_batch.hpp"

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

std::string page_of_job(const fs::path& state_dir, const job::JobView& job) {
  const fs::path kept = state_dir / "jobs" / job.record.id / "kept";
  auto report = job::load_report(kept);
  if (!report) {
    throw Error(
        ErrorKind::not_found,
        fmt::format("the job {} left nothing that a report could be made of", job.record.id),
        "vmconvert status tells what its journal has; jobs that were undone, or never came "
        "to a plan, have no report");
  }
  return report::job_to_html(
      {std::move(*report), job.state_text(), console_of(kept / "console.log")});
}

// A batch wins over a job of which the word is only a part: its name was chosen, ids are not.
std::string page_of(const fs::path& state_dir, const std::string& word) {
  const std::vector<job::JobView> jobs = job::list_jobs(state_dir);
  const bool is_job = std::any_of(jobs.begin(), jobs.end(),
                                  [&](const job::JobView& job) { return job.record.id == word; });
  const std::string batch =
      fs::is_regular_file(word) ? batch::read_batch({fs::path(word)}).name : word;
  std::vector<model::GuestRecord> guests = batch::known_guests(state_dir);
  std::erase_if(guests, [&](const model::GuestRecord& guest) { return guest.batch != batch; });
  if (!is_job && !guests.empty()) {
    return report::batch_to_html(
        make_batch_page(state_dir, batch, std::move(guests), jobs, std::time(nullptr)));
  }
  try {
    return page_of_job(state_dir, job::find_job(state_dir, word));
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::not_found || is_job) {
      throw;
    }
    throw Error(ErrorKind::not_found, fmt::format("{}, and no batch of that name", error.message()),
                "vmconvert jobs and vmconvert batch status -v list them");
  }
}

}  // namespace

int run_report(const Options& options, ProgressView& view) {
  const fs::path state_dir = state_dir_of(options.state_dir);
  const std::string page = page_of(state_dir, options.job);
  if (options.output.empty() || options.output == "-") {
    print(view, page);
    return k_exit_done;
  }
  AtomicFile file(options.output, 0600);  // it may have the guest's files in it
  file.write(page);
  file.commit(Overwrite::yes);
  if (!options.quiet) {
    print(view, fmt::format("{}\n", fs::absolute(options.output).string()));
  }
  return k_exit_done;
}

}  // namespace vmconvert::cli
