// The journal, what it names, and taking back by it.
#include "job/journal.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>

#include <array>
#include <chrono>
#include <fstream>
#include <thread>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/temp_dir.hpp"
#include "job/job_control.hpp"
#include "job/made.hpp"
#include "job/rate_limit.hpp"
#include "job/saved_job.hpp"
#include "job/workspace.hpp"

namespace vmconvert::job {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class JournalTest : public testing::Test {
 protected:
  JobRecord record(const std::string& id) {
    return {id, "web01", "web01", "/etc/xen/web01.cfg", JobState::running, "", 0, 0, "0.1.0"};
  }
  fs::path write(const std::string& name, const std::string& text) {
    fs::path path = m_state.path() / name;
    std::ofstream(path) << text;
    return path;
  }

  TempDir m_state{fs::temp_directory_path(), "vmconvert-journal"};
  RealCommandRunner m_commands;
};

constexpr const char* k_id = "20261121T041500-3f2a";

TEST_F(JournalTest, RemembersAcrossProcesses) {
  {
    Journal journal(m_state.path());
    journal.add(record(k_id));
    journal.set_steps(k_id, {"create", "copy"});
    journal.begin_step(k_id, 1);
    journal.note_made(k_id, 1, "{}");
    journal.finish_step(k_id, 1);
    journal.begin_step(k_id, 2);
  }
  const Journal journal(m_state.path());
  const auto job = journal.job(k_id);
  ASSERT_TRUE(job);
  EXPECT_EQ(job->source, "/etc/xen/web01.cfg");
  EXPECT_EQ(job->state, JobState::running);
  EXPECT_GT(job->created, 0);
  const auto steps = journal.steps(k_id);
  ASSERT_EQ(steps.size(), 2);
  EXPECT_EQ(steps[0].state, StepState::done);
  EXPECT_EQ(steps[0].made, "{}");
  EXPECT_EQ(steps[1].state, StepState::running);
  EXPECT_FALSE(journal.job("20261121T041500-3f2b"));
}

TEST_F(JournalTest, ForgetsAJobWithItsSteps) {
  Journal journal(m_state.path());
  journal.add(record(k_id));
  journal.set_steps(k_id, {"create"});
  EXPECT_THROW(journal.add(record(k_id)), Error);
  journal.forget(k_id);
  EXPECT_TRUE(journal.jobs().empty());
  EXPECT_TRUE(journal.steps(k_id).empty());
}

TEST_F(JournalTest, LeavesOtherDatabasesAndRubbishAlone) {
  write("jobs.sqlite", std::string(8192, 'x'));
  EXPECT_THROW(Journal(m_state.path()), Error);
  EXPECT_EQ(fs::file_size(m_state.path() / "jobs.sqlite"), 8192);
  fs::remove(m_state.path() / "jobs.sqlite");
  { const Journal journal(m_state.path()); }
  {
    // user_version is a big-endian number at byte 60 of the file.
    const Fd file = open_file(m_state.path() / "jobs.sqlite", O_RDWR);
    const std::array<std::byte, 1> version{std::byte{9}};
    pwrite_exactly(file.get(), version, 63, "journal");
  }
  try {
    const Journal journal(m_state.path());
    FAIL() << "read a later version";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::bad_input);
    EXPECT_THAT(error.message(), HasSubstr("version 9"));
  }
}

TEST_F(JournalTest, AFolderThatCannotBeIsAnError) {
  write("file", "x");
  EXPECT_THROW(Journal(m_state.path() / "file"), Error);
}

TEST_F(JournalTest, AJobWhoseProcessIsGoneWasKilled) {
  {
    Workspace workspace(m_state.path());
    Journal journal(m_state.path());
    journal.add(record(workspace.job_id()));
    JobView view = find_job(m_state.path(), workspace.job_id());
    EXPECT_TRUE(view.alive);
    EXPECT_EQ(view.state_text(), "running");
    EXPECT_THROW(undo_job(m_state.path(), workspace.job_id(), m_commands), Error);
    workspace.keep_scratch();
  }
  const auto jobs = list_jobs(m_state.path());
  ASSERT_EQ(jobs.size(), 1);
  EXPECT_EQ(jobs[0].state_text(), "killed");
  EXPECT_THAT(jobs[0].advice(), HasSubstr("vmconvert resume " + jobs[0].record.id));
  const std::string end = jobs[0].record.id.substr(16);
  EXPECT_EQ(find_job(m_state.path(), end).record.id, jobs[0].record.id);
  EXPECT_THROW(find_job(m_state.path(), "nonsense"), Error);
  EXPECT_THROW(find_job(m_state.path(), ""), Error);
  EXPECT_THROW(forget_job(m_state.path(), end, m_commands), Error);
  undo_job(m_state.path(), end, m_commands);
  EXPECT_EQ(find_job(m_state.path(), end).state_text(), "undone");
  EXPECT_FALSE(fs::exists(m_state.path() / "jobs" / jobs[0].record.id));
  forget_job(m_state.path(), end, m_commands);
  EXPECT_TRUE(list_jobs(m_state.path()).empty());
}

TEST_F(JournalTest, TakesBackWhatWasMadeAndNothingElse) {
  Journal journal(m_state.path());
  journal.add(record(k_id));
  journal.set_steps(k_id, {"make a", "make b", "make c"});
  const fs::path mine = write("a", "mine");
  const fs::path replaced = write("b", "mine");
  const fs::path gone = write("c", "mine");
  journal.note_made(k_id, 1, to_json(identify_file(mine)));
  journal.note_made(k_id, 2, to_json(identify_file(replaced)));
  journal.note_made(k_id, 3, to_json(identify_file(gone)));
  write("b.new", "somebody else's");
  fs::rename(m_state.path() / "b.new", replaced);
  fs::remove(gone);
  take_back(journal, k_id, m_commands);
  EXPECT_FALSE(fs::exists(mine));
  EXPECT_TRUE(fs::exists(replaced)) << "another file under the same name was removed";
  for (const StepRecord& step : journal.steps(k_id)) {
    EXPECT_EQ(step.state, StepState::undone);
  }
}

TEST(MadeTest, GoesThroughTheJournalUnchanged) {
  const std::vector<Made> all = {
      MadeFile{"/srv/web01-vda.raw", 2049, 12, 1'700'000'000'000'000'001, "vda",
               model::DiskFormat::qcow2},
      MadeVolume{"vg0", "web01-vda", "abc-def", "vda"},
      MadeDomain{"qemu:///system", "web01", "1234"},
  };
  for (const Made& made : all) {
    EXPECT_EQ(made_from_json(to_json(made)), made);
  }
  for (const char* text : {"", "{}", "[1]", R"({"kind":"file","path":3})", R"({"kind":"x"})"}) {
    EXPECT_THROW(made_from_json(text), Error) << text;
  }
}

TEST(SavedJobTest, ComesBackAsItWas) {
  const TempDir folder{fs::temp_directory_path(), "vmconvert-saved"};
  SavedJob job;
  job.request.source = {"web01", "xen:///"};
  job.request.storage = model::VolumeGroupTarget{"vg0", "pool0"};
  job.request.accepted = {"no-space"};
  job.request.hash = model::HashKind::sha256;
  job.request.rate_limit = 5;
  job.request.snapshot = model::SnapshotSize{{}, 10};
  job.request.trial = true;
  save_job(folder.path(), job);
  EXPECT_FALSE(load_job(folder.path()).plan);
  job.plan = SavedPlan{"<domain/>",
                       "qemu:///system",
                       "<domain type='kvm'/>",
                       {{{ByteCount{0}, ByteCount{512}, model::ExtentKind::patched},
                         {ByteCount{512}, ByteCount{512}, model::ExtentKind::skipped}}},
                       {{"fstab", "/etc/fstab", "-a\n+b\n"}},
                       {},
                       model::TrialOutcome{true, 41.5, "web01 login:", {"a", "b"}, "/x"}};
  save_job(folder.path(), job);
  const SavedJob back = load_job(folder.path());
  EXPECT_EQ(back.request.source.uri, "xen:///");
  EXPECT_EQ(std::get<model::VolumeGroupTarget>(*back.request.storage).thin_pool, "pool0");
  EXPECT_EQ(back.request.accepted, job.request.accepted);
  EXPECT_EQ(back.request.hash, model::HashKind::sha256);
  EXPECT_EQ(back.request.rate_limit, 5);
  EXPECT_EQ(back.request.snapshot, job.request.snapshot);
  ASSERT_TRUE(back.plan);
  EXPECT_EQ(back.plan->extents, job.plan->extents);
  ASSERT_TRUE(back.plan->trial);
  EXPECT_EQ(back.plan->trial->evidence, "web01 login:");
  EXPECT_EQ(back.plan->edits.at(0).diff, "-a\n+b\n");
  for (const char* text : {"", "{", "{}", R"({"version":2})", R"({"version":1,"request":{}})"}) {
    std::ofstream(folder.path() / "job.json", std::ios::trunc) << text;
    EXPECT_THROW(load_job(folder.path()), Error) << text;
  }
}

TEST(RateTest, TakesBytesAndTheirMultiples) {
  EXPECT_EQ(parse_rate("0"), 0);
  EXPECT_EQ(parse_rate("52428800\n"), 52428800);
  EXPECT_EQ(parse_rate("50M"), 50 * k_mib);
  EXPECT_EQ(parse_rate("2G"), 2 * k_gib);
  for (const char* text :
       {"", "M", "-1", "1.5M", "5X", "5 M M", "99999999999999999999", "18446744073709551615G"}) {
    EXPECT_FALSE(parse_rate(text)) << text;
  }
}

TEST(RateTest, FollowsTheFile) {
  const TempDir folder{fs::temp_directory_path(), "vmconvert-rate"};
  std::ofstream(folder.path() / "rate-limit") << "3M\n";
  RateLimit limit(k_mib, folder.path() / "rate-limit");
  limit.look();
  EXPECT_EQ(limit.throttle().rate(), 3 * k_mib) << "it was there before the copy began";
  std::ofstream(folder.path() / "rate-limit") << "7M\n";
  limit.look();
  EXPECT_EQ(limit.throttle().rate(), 3 * k_mib) << "looked within the same second";
  std::this_thread::sleep_for(std::chrono::milliseconds(1050));
  limit.look();
  EXPECT_EQ(limit.throttle().rate(), 7 * k_mib);
}

}  // namespace
}  // namespace vmconvert::job
