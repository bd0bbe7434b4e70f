#include "report/metrics.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vmconvert::report {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Metrics, CountStatesAndTellOfTheLastJobOfAGuest) {
  const std::string text = to_metrics({{"j1", "web01", "failed", 100, 5, 1, 2, 3, {}},
                                       {"j2", "web01", "done", 200, 50, 10, 20, 30, 7.5},
                                       {"j3", "db", "interrupted", 300, 1, 0, 0, 0, {}}});
  EXPECT_THAT(text, HasSubstr("# TYPE vmconvert_jobs gauge\n"));
  EXPECT_THAT(text, HasSubstr("vmconvert_jobs{state=\"done\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("vmconvert_jobs{state=\"killed\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("vmconvert_last_success{guest=\"web01\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("vmconvert_last_success{guest=\"db\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("vmconvert_last_skipped_bytes{guest=\"web01\"} 30\n"));
  EXPECT_THAT(text, HasSubstr("vmconvert_last_trial_seconds{guest=\"web01\"} 7.5\n"));
  EXPECT_THAT(text, Not(HasSubstr("trial_seconds{guest=\"db\"}")));
}

TEST(Metrics, EscapeNames) {
  const std::string text = to_metrics({{"j", "a\"b\\c\nd\x1b", "done", 0, 0, 0, 0, 0, {}}});
  EXPECT_THAT(text, HasSubstr("{guest=\"a\\\"b\\\\c\\nd\\\\x1b\"}"));
}

TEST(Metrics, TwoGuestsNeverGetOneLabel) {
  const std::vector<std::string> names = {"b\xc3\xbcro", "b\xc3\xa4ro", "b\xfcro", "b\xe4ro",
                                          "b\x7fro"};
  std::vector<JobMetrics> jobs;
  for (const std::string& name : names) {
    jobs.push_back({"j", name, "done", 0, 0, 0, 0, 0, {}});
  }
  const std::string text = to_metrics(jobs);
  for (const char* label :
       {"b\xc3\xbcro", "b\xc3\xa4ro", "b\\\\xfcro", "b\\\\xe4ro", "b\\\\x7fro"}) {
    EXPECT_THAT(text, HasSubstr(fmt::format("vmconvert_last_success{{guest=\"{}\"}} 1\n", label)));
  }
}

}  // namespace
}  // namespace vmconvert::report
