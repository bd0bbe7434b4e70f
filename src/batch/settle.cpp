#include "batch/settle.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/log.hpp"
#include "job/job_control.hpp"
#include "job/made.hpp"
#include "job/saved_report.hpp"

namespace vmconvert::batch {
namespace {

using job::JobState;
using job::JobView;
using model::GuestRecord;
using model::Milestone;
using model::Standing;

// The exit codes of design: what vmconvert(1) lists.
constexpr int k_refused = 3;
constexpr int k_trial_failed = 4;
constexpr int k_interrupted = 6;
constexpr int k_busy = 75;

bool defined_a_domain(const JobView& view) {
  return std::any_of(view.steps.begin(), view.steps.end(), [](const job::StepRecord& step) {
    return step.state == job::StepState::done && !step.made.empty() &&
           std::holds_alternative<job::MadeDomain>(job::made_from_json(step.made));
  });
}

// The newest one that the record can mean.
const JobView* job_of(const GuestRecord& record, const std::vector<JobView>& jobs) {
  for (auto view = jobs.rbegin(); view != jobs.rend(); ++view) {
    // Killed before it told its id: then it is the one that this source has begun since.
    const bool begun_by_us = record.job.empty() && record.standing != Standing::waiting &&
                             view->record.source == record.source &&
                             view->record.created >= record.started && view->unfinished();
    if (view->record.id == record.job || begun_by_us) {
      return &*view;
    }
  }
  return nullptr;
}

std::string reason(const Ending& ending) {
  if (!ending.outcome.error.empty()) {
    return ending.outcome.error;
  }
  if (ending.exit_code >= 128) {
    return fmt::format("killed by signal {}", ending.exit_code - 128);
  }
  return ending.last_words.empty() ? fmt::format("ended with exit code {}", ending.exit_code)
                                   : ending.last_words;
}

}  // namespace

void reach(GuestRecord& record, Milestone milestone, std::int64_t now) {
  std::int64_t& time = record.reached.at(static_cast<std::size_t>(milestone));
  if (milestone != Milestone::discovered || time == 0) {
    time = now;
  }
}

bool can_pass(int exit_code) {
  return exit_code == k_busy || exit_code == k_interrupted || exit_code >= 128;
}

void apply(const Ending& ending, GuestRecord& record) {
  const Outcome& outcome = ending.outcome;
  record.exit_code = ending.exit_code;
  record.ended = ending.now;
  record.updated = ending.now;
  if (!outcome.job.empty()) {
    record.job = outcome.job;
  }
  if (outcome.measure.to_move.value > 0) {
    const double moved = record.measure.move_seconds;
    record.measure = outcome.measure;
    if (ending.exit_code != 0 || ending.goal == Goal::trial) {
      record.measure.move_seconds = moved;  // half a copy says nothing of a whole one
    }
  }
  // A process that ended before its checks were done says so by its code; later ones passed them.
  const bool checked = ending.exit_code == 0 || ending.exit_code == k_trial_failed;
  if (checked) {
    reach(record, Milestone::checked, ending.now);
  }
  if (outcome.booted) {
    reach(record, Milestone::tried, ending.now);
  }
  if (ending.exit_code != 0) {
    record.standing = ending.exit_code == k_interrupted || ending.exit_code >= 128
                          ? Standing::interrupted
                          : Standing::failed;
    record.error = reason(ending);
    if (ending.exit_code == k_refused) {
      record.reached.at(static_cast<std::size_t>(Milestone::checked)) = 0;
      record.reached.at(static_cast<std::size_t>(Milestone::ready)) = 0;
    }
    return;
  }
  record.error.clear();
  reach(record, Milestone::ready, ending.now);
  if (ending.goal == Goal::trial) {
    record.standing = Standing::waiting;  // for its cutover
    return;
  }
  record.standing = Standing::done;
  reach(record, Milestone::copied, ending.now);
  if (outcome.defined) {
    reach(record, Milestone::defined, ending.now);
    if (ending.starts) {
      reach(record, Milestone::cut_over, ending.now);
    }
  }
}

std::optional<model::GuestMeasure> measure_of_job(const std::filesystem::path& state_dir,
                                                  const std::string& job) {
  if (!job::is_job_id(job)) {
    return std::nullopt;
  }
  std::optional<model::JobReport> report;
  try {
    report = job::load_report(state_dir / "jobs" / job / "kept");
  } catch (const Error& error) {
    log_detail(error.message());  // what its last process said has to do
  }
  if (!report) {
    return std::nullopt;
  }
  model::GuestMeasure measure;
  for (const model::ReportDisk& disk : report->disks) {
    measure.to_move.value += disk.written;
    measure.size.value += disk.size;
    measure.skipped.value += disk.skipped;
  }
  for (const model::ReportRun& run : report->runs) {
    double moved = 0;
    for (const model::ReportSpan& span : run.spans) {
      moved += span.stage == "copy" || span.stage == "verify" ? span.to - span.from : 0;
    }
    measure.move_seconds += moved;
    measure.other_seconds += std::max(0.0, run.seconds - moved);
  }
  return measure;
}

bool recall(GuestRecord& record, const std::filesystem::path& state_dir, std::int64_t now) {
  if (record.standing != Standing::running && record.standing != Standing::interrupted) {
    return false;
  }
  const auto jobs = job::list_jobs(state_dir);
  const JobView* view = job_of(record, jobs);
  record.standing = Standing::interrupted;
  if (record.error.empty()) {
    record.error = "its process and the batch were killed";
  }
  if (view == nullptr) {
    record.job.clear();  // nothing was made yet
    return false;
  }
  record.job = view->record.id;
  if (view->unfinished() || view->alive) {
    return true;
  }
  record.ended = view->record.updated;
  if (view->record.state == JobState::done) {
    record.standing = Standing::done;
    record.error.clear();
    record.exit_code = 0;
    reach(record, Milestone::copied, view->record.updated);
    record.measure = measure_of_job(state_dir, record.job).value_or(record.measure);
    if (defined_a_domain(*view)) {
      reach(record, Milestone::defined, view->record.updated);
    }
  } else {
    record.standing = Standing::failed;
    record.error = view->record.error.empty() ? "taken back" : view->record.error;
  }
  record.updated = now;
  return false;
}

}  // namespace vmconvert::batch
