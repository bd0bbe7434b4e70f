#include "job/workspace.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "base/error.hpp"
#include "base/temp_dir.hpp"

namespace vmconvert::job {
namespace {

namespace fs = std::filesystem;

class JobTest : public testing::Test {
 protected:
  TempDir m_state{fs::temp_directory_path(), "vmconvert-job"};
};

TEST_F(JobTest, WorkspaceLeavesNothingUnlessSomethingIsKept) {
  fs::path kept;
  {
    const Workspace workspace(m_state.path());
    std::ofstream(workspace.scratch() / "overlay") << "x";
    kept = workspace.keep();
  }
  EXPECT_TRUE(fs::is_empty(m_state.path() / "jobs"));
  {
    const Workspace workspace(m_state.path());
    std::ofstream(workspace.scratch() / "overlay") << "x";
    std::ofstream(workspace.keep() / "console.log") << "login:";
    kept = workspace.keep();
    EXPECT_NE(workspace.keep().string().find(workspace.job_id()), std::string::npos);
  }
  EXPECT_TRUE(fs::exists(kept / "console.log"));
  EXPECT_FALSE(fs::exists(kept.parent_path() / "scratch"));
}

TEST_F(JobTest, LockNamesItsHolderAndEndsWithIt) {
  {
    const Lock first(m_state.path(), "/dev/vg/web01");
    try {
      const Lock second(m_state.path(), "/dev/vg/web01");
      FAIL() << "locked twice";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::busy);
      EXPECT_THAT(error.message(), testing::HasSubstr(std::to_string(::getpid())));
      EXPECT_THAT(error.message(), testing::HasSubstr("/dev/vg/web01"));
    }
    const Lock other(m_state.path(), "/dev/vg/web02");
  }
  const Lock again(m_state.path(), "/dev/vg/web01");
}

TEST_F(JobTest, LocksOfLongPathsStayApart) {
  const std::string folder = "/" + std::string(3000, 'x');
  const Lock first(m_state.path(), folder + "/a");
  const Lock second(m_state.path(), folder + "/b");
  EXPECT_THROW(Lock(m_state.path(), folder + "/a"), Error);
}

TEST_F(JobTest, ALiveJobIsLeftAloneAndADeadOneCanBeTakenUp) {
  std::string id;
  {
    Workspace workspace(m_state.path());
    id = workspace.job_id();
    EXPECT_TRUE(is_alive(m_state.path(), id));
    EXPECT_THROW(Workspace(m_state.path(), id), Error);
    EXPECT_TRUE(fs::exists(workspace.scratch())) << "the second one has tidied up";
    workspace.keep_scratch();
  }
  EXPECT_FALSE(is_alive(m_state.path(), id));
  sweep(m_state.path(), {id});
  EXPECT_TRUE(fs::exists(m_state.path() / "jobs" / id / "scratch"));
  { const Workspace again(m_state.path(), id); }
  EXPECT_TRUE(fs::is_empty(m_state.path() / "jobs"));
  EXPECT_THROW(Workspace(m_state.path(), id), Error);
  EXPECT_THROW(Workspace(m_state.path(), "../jobs"), Error);
}

TEST_F(JobTest, SweepsWhatAKilledRunLeft) {
  const fs::path left = m_state.path() / "jobs" / "20261121T041500-3f2a";
  fs::create_directories(left / "scratch");
  std::ofstream(left / "scratch" / "vda.overlay.qcow2") << "x";
  fs::create_directories(m_state.path() / "jobs" / "something else" / "scratch");
  const Workspace live(m_state.path());
  sweep(m_state.path(), {});
  EXPECT_FALSE(fs::exists(left));
  EXPECT_TRUE(fs::exists(live.scratch()));
  EXPECT_TRUE(fs::exists(m_state.path() / "jobs" / "something else" / "scratch"));
}

}  // namespace
}  // namespace vmconvert::job
