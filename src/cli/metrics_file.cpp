#include "cli/metrics_file.hpp"

#include <fmt/format.h>

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "cli/paths.hpp"
#include "job/job_control.hpp"
#include "job/saved_report.hpp"
#include "report/metrics.hpp"

namespace vmconvert::cli {
namespace {

report::JobMetrics metrics_of(const job::JobView& view, const std::filesystem::path& state_dir) {
  report::JobMetrics metrics;
  metrics.job = view.record.id;
  metrics.guest = view.record.guest;
  metrics.state = view.state_text();
  metrics.updated = view.record.updated;
  const auto kept = job::load_report(state_dir / "jobs" / view.record.id / "kept");
  if (!kept) {
    return metrics;
  }
  for (const model::ReportRun& run : kept->runs) {
    metrics.seconds += run.seconds;
  }
  // Until then, a report holds what the plan wants to read and to write.
  if (view.record.state == job::JobState::done) {
    metrics.read = metrics.written = metrics.skipped = 0;
    for (const model::ReportDisk& disk : kept->disks) {
      *metrics.read += disk.read;
      *metrics.written += disk.written;
      *metrics.skipped += disk.skipped;
    }
  }
  if (kept->trial && kept->trial->booted) {
    metrics.trial_seconds = kept->trial->seconds;
  }
  return metrics;
}

}  // namespace

void write_metrics(const Options& options) {
  if (options.metrics.empty()) {
    return;
  }
  try {
    const std::filesystem::path state_dir = state_dir_of(options.state_dir);
    std::vector<report::JobMetrics> jobs;
    for (const job::JobView& view : job::list_jobs(state_dir)) {
      jobs.push_back(metrics_of(view, state_dir));
    }
    AtomicFile file(options.metrics);
    file.write(report::to_metrics(jobs));
    file.commit(Overwrite::yes);
  } catch (const Error& error) {
    log_warning(fmt::format("the metrics could not be written: {}", error.message()));
  }
}

}  // namespace vmconvert::cli
