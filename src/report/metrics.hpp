// Metrics of a host's jobs in Prometheus' text format, for the textfile collector of its node
// exporter.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace vmconvert::report {

struct JobMetrics {
  std::string job;
  std::string guest;
  std::string state;  // done, failed, interrupted, killed, undone, running
  std::int64_t updated = 0;
  double seconds = 0;
  std::optional<std::uint64_t> read;  // these three of a job that is done
  std::optional<std::uint64_t> written;
  std::optional<std::uint64_t> skipped;
  std::optional<double> trial_seconds;  // of a trial that booted
};

// Jobs oldest first. Numbers of one job are given for the last one of each guest: a guest that is
// tried a hundred times is one series.
std::string to_metrics(const std::vector<JobMetrics>& jobs);

}  // namespace vmconvert::report
