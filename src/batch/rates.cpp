#include "batch/rates.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "job/workspace.hpp"

namespace vmconvert::batch {
namespace {

std::uint64_t lower(std::uint64_t a, std::uint64_t b) {
  return a == 0 ? b : b == 0 ? a : std::min(a, b);
}

}  // namespace

std::uint64_t RateSharer::first_share(std::uint64_t total, unsigned jobs, std::uint64_t own) {
  // A share of nothing would be no limit.
  const std::uint64_t share =
      total == 0 ? 0 : std::max<std::uint64_t>(1, total / std::max(1U, jobs));
  return lower(share, own);
}

void RateSharer::prepare(const std::string& job, std::uint64_t total, unsigned jobs,
                         std::uint64_t own) {
  // In any case: what it was given by an earlier run, or by its first process, held at another
  // time.
  tell(job, first_share(total, jobs, own));
}

void RateSharer::share(std::uint64_t total, unsigned jobs, const std::vector<Copy>& copies) {
  std::vector<const Copy*> reading;
  for (const Copy& copy : copies) {
    if (copy.copies && !copy.job.empty()) {
      reading.push_back(&copy);
    } else if (!copy.job.empty()) {
      write(copy.job, first_share(total, jobs, copy.own));
    }
  }
  // Who may not use a whole share by its own limit leaves the rest to the others: lowest first.
  std::sort(reading.begin(), reading.end(), [](const Copy* a, const Copy* b) {
    return (a->own == 0 ? UINT64_MAX : a->own) < (b->own == 0 ? UINT64_MAX : b->own);
  });
  std::uint64_t rest = total;
  for (std::size_t i = 0; i < reading.size(); ++i) {
    const std::uint64_t share =
        total == 0 ? 0 : std::max<std::uint64_t>(1, rest / (reading.size() - i));
    const std::uint64_t rate = lower(share, reading[i]->own);
    rest -= std::min(rest, rate);
    write(reading[i]->job, rate);
  }
}

void RateSharer::write(const std::string& job, std::uint64_t rate) {
  const auto before = m_written.find(job);
  if (before == m_written.end() ? rate != 0 : before->second != rate) {
    tell(job, rate);
  }
}

void RateSharer::tell(const std::string& job, std::uint64_t rate) {
  const std::filesystem::path folder = m_state_dir / "jobs" / job;
  std::error_code error;
  // Its job may have ended just now: then nobody is to be told.
  if (!job::is_job_id(job) || !std::filesystem::is_directory(folder, error)) {
    return;
  }
  try {
    AtomicFile file(folder / "rate-limit");
    file.write(fmt::format("{}\n", rate));
    file.commit(Overwrite::yes);
    m_written[job] = rate;
  } catch (const Error& problem) {
    log_warning(problem.message());  // the old rate stays
  }
}

}  // namespace vmconvert::batch
