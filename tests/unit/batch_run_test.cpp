// Whole batches over a stand-in for the program: tests/batch/fake-converter.
#include "batch/run.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <ctime>
#include <fstream>
#include <thread>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/interrupt.hpp"
#include "base/temp_dir.hpp"
#include "base/text.hpp"
#include "batch/process.hpp"
#include "batch/rates.hpp"
#include "batch/store.hpp"
#include "job/journal.hpp"
#include "job/saved_report.hpp"
#include "job/workspace.hpp"
#include "test_paths.hpp"

namespace vmconvert::batch {
namespace {

namespace fs = std::filesystem;
using model::GuestRecord;
using model::Milestone;
using model::Standing;
using testing::Contains;
using testing::HasSubstr;

class BatchTest : public testing::Test {
 protected:
  BatchTest() {
    const job::Journal journal(m_state);  // the fake writes into the real one
    m_options.state_dir = m_state;
    m_options.program = test::source_dir() / "tests/batch/fake-converter";
    m_options.clock = [] { return std::int64_t{std::time(nullptr)}; };
    m_options.tick = std::chrono::milliseconds(20);
  }

  // A guest whose runs end as the script says, one line each.
  void guest(const std::string& name, const std::string& script, const std::string& more = "") {
    std::ofstream(m_folder.path() / (name + ".cfg")) << "not read by the fake\n";
    std::ofstream(m_folder.path() / (name + ".cfg.script")) << script;
    m_toml += fmt::format("[[guest]]\nsource = \"{}.cfg\"\n{}\n", name, more);
  }
  Batch batch(const std::string& settings = "") {
    const fs::path path = m_folder.path() / "night.toml";
    std::ofstream(path) << "[batch]\nretry_wait = 1\n" << settings << "\n" << m_toml;
    return read_batch({path});
  }
  [[nodiscard]] std::vector<std::string> calls() const {
    return fs::exists(m_state / "calls") ? lines(read_text_file(m_state / "calls"))
                                         : std::vector<std::string>();
  }
  [[nodiscard]] std::size_t count(const std::string& what) const {
    std::size_t found = 0;
    for (const std::string& line : calls()) {
      found += line.find(what) != std::string::npos ? 1U : 0U;
    }
    return found;
  }
  static const GuestRecord& of(const RunReport& report, const std::string& name) {
    for (const GuestRecord& record : report.guests) {
      if (record.guest == name) {
        return record;
      }
    }
    throw Error(ErrorKind::internal, "no guest " + name);
  }
  // The batch in a process of its own, to be stopped by a signal once `name` works.
  void run_and_signal(const Batch& night, const std::string& name, int signal) {
    const pid_t pid = ::fork();
    ASSERT_GE(pid, 0);
    if (pid == 0) {
      install_interrupt_handlers();
      const RunReport report = run_batch(night, m_options);
      ::_exit(report.stopped ? 6 : 0);
    }
    for (int i = 0; i < 500 && count(name + " begin") == 0; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    ASSERT_EQ(::kill(pid, signal), 0);
    int status = 0;
    ASSERT_EQ(::waitpid(pid, &status, 0), pid);
    if (signal == SIGTERM) {
      EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 6) << status;
    }
  }

  TempDir m_folder{fs::temp_directory_path(), "vmconvert-batch"};
  fs::path m_state = m_folder.path() / "state";
  std::string m_toml;
  RunOptions m_options;
};

TEST_F(BatchTest, ConvertsAllAndASecondRunNothing) {
  guest("web01", "ok");
  guest("web02", "ok", "start = true");
  const RunReport report = run_batch(batch(), m_options);
  EXPECT_EQ(report.succeeded, 2U);
  const GuestRecord& web02 = of(report, "web02");
  EXPECT_EQ(web02.standing, Standing::done);
  EXPECT_NE(web02.time_of(Milestone::defined), 0);
  EXPECT_NE(web02.time_of(Milestone::cut_over), 0);
  EXPECT_EQ(of(report, "web01").time_of(Milestone::cut_over), 0);
  EXPECT_GT(web02.measure.to_move.value, 0U);
  EXPECT_GT(web02.measure.move_seconds, 0);
  EXPECT_EQ(web02.job.size(), 20U);
  const RunReport second = run_batch(batch(), m_options);
  EXPECT_EQ(second.started, 0U);
  EXPECT_EQ(count(" begin "), 2U);
  // What the process was told is what the blueprint says.
  EXPECT_THAT(read_text_file(batch_folder(m_state, "night") / "web02.toml"),
              HasSubstr("start = true"));
}

TEST_F(BatchTest, AFailureHoldsLaterGroupsBackAndIsTriedByTheNextRun) {
  guest("db01", "exit 3\nok", "group = \"db\"");
  guest("db02", "ok", "group = \"db\"");
  guest("web01", "ok", "group = \"web\"");
  const RunReport report = run_batch(batch("groups = [\"db\", \"web\"]"), m_options);
  EXPECT_EQ(report.failed, 1U);
  EXPECT_EQ(report.held_back, 1U);
  EXPECT_EQ(of(report, "db01").standing, Standing::failed);
  EXPECT_EQ(of(report, "db01").exit_code, 3);
  EXPECT_EQ(of(report, "db01").error, "db01 ends with 3");
  EXPECT_EQ(of(report, "db02").standing, Standing::done);
  EXPECT_EQ(of(report, "web01").standing, Standing::waiting);
  const RunReport second = run_batch(batch("groups = [\"db\", \"web\"]"), m_options);
  EXPECT_EQ(second.started, 2U);
  EXPECT_EQ(second.succeeded, 2U);
}

TEST_F(BatchTest, WhatCanPassIsTriedAgain) {
  guest("web01", "exit 75\nexit 75\nok");
  guest("web02", "exit 1\nok");
  const RunReport report = run_batch(batch(), m_options);
  EXPECT_EQ(of(report, "web01").standing, Standing::done);
  EXPECT_EQ(of(report, "web01").attempts, 3U);
  EXPECT_EQ(of(report, "web02").standing, Standing::failed);
  EXPECT_EQ(count("web02 begin"), 1U);
}

TEST_F(BatchTest, RetriesHaveAnEnd) {
  guest("web01", "exit 75");
  const RunReport report = run_batch(batch("retries = 1"), m_options);
  EXPECT_EQ(of(report, "web01").standing, Standing::failed);
  EXPECT_EQ(count("web01 begin"), 2U);
}

TEST_F(BatchTest, AKilledProcessHurtsNobodyAndIsResumed) {
  guest("web01", "die\nok");
  guest("web02", "ok");
  const RunReport report = run_batch(batch(), m_options);
  EXPECT_EQ(report.succeeded, 2U);
  EXPECT_EQ(count("web01 begin convert"), 1U);
  EXPECT_EQ(count("web01 begin resume " + of(report, "web01").job), 1U);
}

// What its last process says of itself would make the next guests look quicker than they are.
TEST_F(BatchTest, AResumedJobCountsWithAllThatItTook) {
  guest("web01", "die\nok");
  const Batch night = batch("retries = 0");
  GuestRecord record = of(run_batch(night, m_options), "web01");
  EXPECT_EQ(record.standing, Standing::interrupted);
  model::JobReport kept;
  kept.disks.resize(2);
  for (model::ReportDisk& disk : kept.disks) {
    disk.size = 9000;
    disk.written = 5000;
    disk.skipped = 4000;
  }
  kept.runs.push_back({100, 150, "", {{"appliance", "", 0, 110}, {"copy", "vda", 110, 150}}, {}});
  kept.runs.push_back({900, 20, "done", {{"copy", "vda", 1, 11}, {"verify", "vda", 11, 16}}, {}});
  job::save_report(m_state / "jobs" / record.job / "kept", kept);
  const auto expect_all = [](const model::GuestMeasure& measure) {
    EXPECT_EQ(measure.to_move.value, 10000U);
    EXPECT_EQ(measure.size.value, 18000U);
    EXPECT_EQ(measure.skipped.value, 8000U);
    EXPECT_DOUBLE_EQ(measure.move_seconds, 40 + 10 + 5);
    EXPECT_DOUBLE_EQ(measure.other_seconds, 110 + 5);
  };
  record = of(run_batch(night, m_options), "web01");
  EXPECT_EQ(record.standing, Standing::done);
  expect_all(record.measure);
  // The same of one that somebody resumed by hand while no batch looked.
  record.standing = Standing::interrupted;
  record.measure = {};
  GuestStore(m_state).update(record);
  record = of(run_batch(night, m_options), "web01");
  EXPECT_EQ(record.standing, Standing::done);
  expect_all(record.measure);
}

TEST_F(BatchTest, ASignalStopsTheProcessesAndTheNextRunGoesOn) {
  guest("web01", "hang\nok");
  guest("web02", "ok");
  const Batch night = batch("jobs = 1");
  run_and_signal(night, "web01", SIGTERM);
  const auto stopped = GuestStore(m_state).find({"night", "web01"});
  ASSERT_TRUE(stopped);
  EXPECT_EQ(stopped->standing, Standing::interrupted);
  EXPECT_EQ(stopped->owner, "");
  EXPECT_EQ(count("web02 begin"), 0U);
  const RunReport report = run_batch(night, m_options);
  EXPECT_EQ(report.succeeded, 2U);
  EXPECT_EQ(count("web01 begin resume " + stopped->job), 1U);
}

TEST_F(BatchTest, AKilledBatchLeavesNoProcessAndTheNextRunGoesOn) {
  guest("web01", "hang\nok");
  const Batch night = batch();
  run_and_signal(night, "web01", SIGKILL);
  const auto killed = GuestStore(m_state).find({"night", "web01"});
  ASSERT_TRUE(killed);
  EXPECT_EQ(killed->standing, Standing::running);
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  EXPECT_FALSE(job::is_alive(m_state, killed->job));
  // Its claim is stale only after a while; the batch's lock says that nobody works on it.
  const RunReport report = run_batch(night, m_options);
  EXPECT_EQ(of(report, "web01").standing, Standing::done) << of(report, "web01").error;
  EXPECT_EQ(count("web01 begin resume " + killed->job), 1U);
}

TEST_F(BatchTest, NoMoreAtATimeThanAllowed) {
  for (int i = 0; i < 5; ++i) {
    guest(fmt::format("web{}", i), "slow");
  }
  EXPECT_EQ(run_batch(batch("jobs = 2\njobs_per_device = 9"), m_options).succeeded, 5U);
  int now = 0;
  int most = 0;
  for (const std::string& line : calls()) {
    now += line.find(" begin ") != std::string::npos ? 1
           : line.find(" end ") != std::string::npos ? -1
                                                     : 0;
    most = std::max(most, now);
  }
  EXPECT_EQ(most, 2);
}

TEST_F(BatchTest, ATrialRunAsksEveryGuestOnce) {
  guest("web01", "ok");
  guest("web02", "exit 4");
  m_options.goal = Goal::trial;
  const RunReport report = run_batch(batch(), m_options);
  EXPECT_NE(of(report, "web01").time_of(Milestone::tried), 0);
  EXPECT_NE(of(report, "web01").time_of(Milestone::ready), 0);
  EXPECT_EQ(of(report, "web01").standing, Standing::waiting);
  EXPECT_EQ(of(report, "web02").standing, Standing::failed);
  EXPECT_EQ(run_batch(batch(), m_options).started, 1U);  // web02 again
  m_options.goal = Goal::cutover;
  EXPECT_EQ(run_batch(batch(), m_options).started, 2U);
  EXPECT_EQ(count("web01 begin convert"), 1U);
}

TEST_F(BatchTest, OutsideTheWindowNothingBegins) {
  guest("web01", "ok");
  std::tm time{};
  time.tm_year = 126;
  time.tm_mon = 10;
  time.tm_mday = 24;
  time.tm_hour = 12;
  time.tm_isdst = -1;
  const std::int64_t noon = std::mktime(&time);
  m_options.clock = [noon] { return noon; };
  const Batch night = batch("window = [\"22:00-05:00\"]");
  const RunReport report = run_batch(night, m_options);
  EXPECT_EQ(report.started, 0U);
  EXPECT_EQ(report.left, 1U);
  EXPECT_EQ(report.next_opening, noon + 10 * 3600);
  m_options.windows = WindowPolicy::ignore;
  EXPECT_EQ(run_batch(night, m_options).succeeded, 1U);
}

TEST_F(BatchTest, AClosedGuestIsLeftAlone) {
  guest("web01", "exit 3");
  run_batch(batch(), m_options);
  {
    GuestStore store(m_state);
    GuestRecord record = store.find({"night", "web01"}).value();
    record.standing = Standing::closed;
    store.update(record);
  }
  EXPECT_EQ(run_batch(batch(), m_options).started, 0U);
}

TEST_F(BatchTest, RunsOnceAtATime) {
  guest("web01", "ok");
  const job::Lock other(m_state, "batch night");
  try {
    run_batch(batch(), m_options);
    FAIL() << "two at a time";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::busy);
  }
}

TEST_F(BatchTest, NamesCannotLeaveTheFolder) {
  EXPECT_EQ(file_name("../x y"), "%2e.%2fx%20y");
  EXPECT_EQ(file_name("..").find('/'), std::string::npos);
  EXPECT_LT(file_name(std::string(5000, 'x')).size(), 250U);
}

TEST_F(BatchTest, TheTotalRateIsShared) {
  const std::vector<std::string> jobs = {"20261121T041500-000a", "20261121T041500-000b",
                                         "20261121T041500-000c"};
  for (const std::string& job : jobs) {
    fs::create_directories(m_state / "jobs" / job);
  }
  const auto rate = [&](std::size_t i) {
    const fs::path file = m_state / "jobs" / jobs[i] / "rate-limit";
    return fs::exists(file) ? read_text_file(file) : "none";
  };
  RateSharer sharer(m_state);
  sharer.share(0, 3, {{jobs[0], true, 0}});
  EXPECT_EQ(rate(0), "none");
  sharer.share(90, 3, {{jobs[0], true, 0}, {jobs[1], true, 10}, {jobs[2], false, 0}});
  EXPECT_EQ(rate(0), "80\n");
  EXPECT_EQ(rate(1), "10\n");
  EXPECT_EQ(rate(2), "30\n");
  sharer.share(0, 3, {{jobs[0], true, 0}, {jobs[1], true, 10}});
  EXPECT_EQ(rate(0), "0\n");
  EXPECT_EQ(rate(1), "10\n");
  // A later run, at a time without limit: a resumed job must not be held by one of the day before.
  RateSharer night(m_state);
  night.share(0, 3, {{jobs[1], true, 0}});
  EXPECT_EQ(rate(1), "10\n");  // of a process that works: somebody may have written it
  night.prepare(jobs[1], 0, 3, 0);
  EXPECT_EQ(rate(1), "0\n");
  fs::remove(m_state / "jobs" / jobs[2] / "rate-limit");
  night.prepare(jobs[2], 0, 3, 0);  // its first process may have been told one on its command line
  EXPECT_EQ(rate(2), "0\n");
  EXPECT_EQ(RateSharer::first_share(1, 4, 0), 1U);
  EXPECT_EQ(RateSharer::first_share(100, 4, 10), 10U);
}

TEST(Outcome, OfARealResult) {
  const Outcome outcome =
      parse_outcome(read_text_file(test::source_dir() / "tests/recorded/batch/convert.json"));
  EXPECT_TRUE(outcome.said);
  EXPECT_EQ(outcome.state, "converted");
  EXPECT_EQ(outcome.job.size(), 20U);
  EXPECT_GT(outcome.measure.to_move.value, 0U);
  EXPECT_GT(outcome.measure.size, outcome.measure.to_move);
  EXPECT_GT(outcome.measure.move_seconds, 0);
  EXPECT_GT(outcome.measure.other_seconds, 0);
}

TEST(Outcome, OfRubbish) {
  for (const char* text :
       {"", "[]", "{", "null", "{\"disks\": 3, \"stages\": [1, {}], \"job\": 7}",
        "{\"trial\": {\"booted\": \"yes\"}, \"disks\": [{\"size_bytes\": -1}]}"}) {
    const Outcome outcome = parse_outcome(text);
    EXPECT_FALSE(outcome.booted);
    EXPECT_EQ(outcome.job, "");
    EXPECT_EQ(outcome.measure.size.value, 0U);
  }
}

}  // namespace
}  // namespace vmconvert::batch
