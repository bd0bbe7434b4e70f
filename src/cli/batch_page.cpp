#include "cli/batch_page.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/log.hpp"
#include "batch/schedule.hpp"
#include "job/saved_report.hpp"

namespace vmconvert::cli {
namespace {

// Jobs of the same source from before it was in this batch are somebody else's.
bool is_of(const job::JobView& job, const model::GuestRecord& guest) {
  return job.record.id == guest.job ||
         (job.record.source == guest.source &&
          job.record.created >= guest.time_of(model::Milestone::discovered));
}

void add_runs(const std::filesystem::path& state_dir, const job::JobView& job,
              std::vector<report::BatchRun>& runs) {
  try {
    auto kept = job::load_report(state_dir / "jobs" / job.record.id / "kept");
    for (model::ReportRun& run : kept ? kept->runs : std::vector<model::ReportRun>()) {
      run.samples.clear();
      runs.push_back({job.record.id, std::move(run)});
    }
  } catch (const Error& error) {
    log_warning("left out of the report: " + to_text(error));
  }
}

}  // namespace

report::BatchPage make_batch_page(const std::filesystem::path& state_dir, const std::string& batch,
                                  std::vector<model::GuestRecord> guests,
                                  const std::vector<job::JobView>& jobs, std::int64_t now) {
  const batch::Experience experience = batch::experience_of(guests);
  report::BatchPage page{batch, now, {}};
  for (model::GuestRecord& record : guests) {
    report::BatchGuest guest;
    for (const job::JobView& job : jobs) {
      if (is_of(job, record)) {
        add_runs(state_dir, job, guest.runs);
      }
    }
    std::stable_sort(guest.runs.begin(), guest.runs.end(),
                     [](const report::BatchRun& a, const report::BatchRun& b) {
                       return a.run.began < b.run.began;
                     });
    guest.seconds_left = batch::estimate(record, experience, 0);
    guest.record = std::move(record);
    page.guests.push_back(std::move(guest));
  }
  return page;
}

}  // namespace vmconvert::cli
