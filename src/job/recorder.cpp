#include "job/recorder.hpp"

#include <algorithm>
#include <ctime>

namespace vmconvert::job {
namespace {

constexpr std::size_t k_samples = 1000;
constexpr std::size_t k_spans = 500;
constexpr std::size_t k_text = 200;

// The console of a trial changes all the time: one stretch. Other texts are steps of their own.
bool same_work(const model::ReportSpan& span, const model::Progress& progress) {
  return span.stage == progress.stage &&
         (progress.stage == "trial" || span.what == progress.what.substr(0, k_text));
}

}  // namespace

Recorder::Recorder() {
  m_run.began = std::time(nullptr);
}

double Recorder::at(Clock::time_point now) const {
  return std::chrono::duration<double>(now - m_start).count();
}

void Recorder::see(const model::Progress& progress, Clock::time_point now) {
  const std::lock_guard guard(m_mutex);
  const double time = at(now);
  auto& spans = m_run.spans;
  if (!spans.empty()) {
    spans.back().to = time;
  }
  const bool same = !spans.empty() && same_work(spans.back(), progress);
  if (!same && spans.size() < k_spans) {
    spans.push_back({progress.stage,
                     progress.stage == "trial" ? std::string() : progress.what.substr(0, k_text),
                     time, time});
  }
  if (progress.total.value == 0 || progress.stage == "trial") {
    return;
  }
  auto& samples = m_run.samples;
  const bool last = progress.done == progress.total;
  if (!samples.empty() && samples.back().what == progress.what &&
      samples.back().stage == progress.stage && time - samples.back().at < m_interval && !last) {
    return;
  }
  samples.push_back(
      {progress.stage, progress.what, time, progress.done.value, progress.total.value});
  if (samples.size() > k_samples) {  // every second one goes, and half as many come from now on
    std::size_t kept = 1;
    for (std::size_t i = 2; i < samples.size(); i += 2) {
      samples[kept++] = std::move(samples[i]);
    }
    samples.resize(kept);
    m_interval *= 2;
  }
}

model::ReportRun Recorder::run(const std::string& ended) const {
  const std::lock_guard guard(m_mutex);
  model::ReportRun run = m_run;
  run.seconds = at(Clock::now());
  run.ended = ended;
  if (!run.spans.empty() && !ended.empty()) {
    run.spans.back().to = run.seconds;
  }
  return run;
}

}  // namespace vmconvert::job
