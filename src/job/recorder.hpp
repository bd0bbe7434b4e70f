// Keeps what is reported while a conversion works, for its report: which stage from when to when,
// and how far a copy was. Bounded: a long job is kept more coarsely.
#pragma once

#include <chrono>
#include <mutex>

#include "model/job_report.hpp"
#include "model/progress.hpp"

namespace vmconvert::job {

class Recorder {
 public:
  using Clock = std::chrono::steady_clock;

  Recorder();
  void see(const model::Progress& progress) { see(progress, Clock::now()); }
  void see(const model::Progress& progress, Clock::time_point now);
  // As it stands now.
  [[nodiscard]] model::ReportRun run(const std::string& ended) const;

 private:
  [[nodiscard]] double at(Clock::time_point now) const;

  mutable std::mutex m_mutex;
  Clock::time_point m_start = Clock::now();
  double m_interval = 0.25;  // seconds between two samples; grows
  model::ReportRun m_run;
};

}  // namespace vmconvert::job
