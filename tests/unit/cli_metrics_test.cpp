// The file that --metrics names, from a host's journal and what is kept of its jobs.
#include "cli/metrics_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tuple>

#include "base/fd.hpp"
#include "base/temp_dir.hpp"
#include "job/journal.hpp"
#include "job/saved_report.hpp"

namespace vmconvert::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

// While a job is unfinished, its report holds what the plan wants: nobody has read that yet.
TEST(MetricsFile, CountsBytesOfJobsThatAreDone) {
  const TempDir folder{std::filesystem::temp_directory_path(), "vmconvert-metrics"};
  const std::filesystem::path state = folder.path() / "state";
  {
    job::Journal journal(state);
    for (const auto& [id, guest, standing] :
         {std::tuple{"20261129T070000-000a", "web01", job::JobState::done},
          std::tuple{"20261129T070000-000b", "db01", job::JobState::interrupted}}) {
      journal.add({id, guest, guest, "/etc/xen/x.cfg", standing, "", 1, 2, "0.1.0"});
      model::JobReport report;
      report.disks.resize(1);
      report.disks[0].read = 300;
      report.disks[0].written = 200;
      report.disks[0].skipped = 100;
      report.runs.push_back({1, 20, "", {}, {}});
      report.runs.push_back({2, 5, "done", {}, {}});
      job::save_report(state / "jobs" / id / "kept", report);
    }
  }
  Options options;
  options.state_dir = state;
  options.metrics = folder.path() / "vmconvert.prom";
  write_metrics(options);
  const std::string text = read_text_file(options.metrics);
  EXPECT_THAT(text, HasSubstr("vmconvert_last_read_bytes{guest=\"web01\"} 300\n"));
  EXPECT_THAT(text, HasSubstr("vmconvert_last_written_bytes{guest=\"web01\"} 200\n"));
  EXPECT_THAT(text, HasSubstr("vmconvert_last_skipped_bytes{guest=\"web01\"} 100\n"));
  EXPECT_THAT(text, HasSubstr("vmconvert_last_duration_seconds{guest=\"web01\"} 25\n"));
  EXPECT_THAT(text, HasSubstr("vmconvert_last_duration_seconds{guest=\"db01\"} 25\n"));
  EXPECT_THAT(text, Not(HasSubstr("bytes{guest=\"db01\"}")));
}

}  // namespace
}  // namespace vmconvert::cli
