#include "job/workspace.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "base/error.hpp"
#include "base/temp_dir.hpp"
#include "job/undo.hpp"

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

TEST(Undo, RunsLastToFirstAndGoesOnAfterAFailure) {
  std::vector<int> done;
  {
    Undo undo;
    undo.add("first", [&] { done.push_back(1); });
    undo.add("second", [] { throw Error(ErrorKind::io, "cannot"); });
    undo.add("third", [&] { done.push_back(3); });
  }
  EXPECT_THAT(done, testing::ElementsAre(3, 1));
}

TEST(Undo, DoesNothingWhenAllWentWell) {
  bool done = false;
  {
    Undo undo;
    undo.add("first", [&] { done = true; });
    undo.all_went_well();
  }
  EXPECT_FALSE(done);
}

}  // namespace
}  // namespace vmconvert::job
