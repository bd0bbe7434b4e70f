// What a job remembers of its source's domain, and what undo does with it. libvirt's test driver
// forgets all when its last connection closes: each test holds one.
#include "job/source_state.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/error.hpp"
#include "base/temp_dir.hpp"
#include "job/job_control.hpp"
#include "job/workspace.hpp"

namespace vmconvert::job {
namespace {

using host::domain_state;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* k_source_uri = "test:///default";

class SourceStateTest : public testing::Test {
 protected:
  void SetUp() override { host::set_autostart(m_host, "test", true); }
  [[nodiscard]] host::DomainState now() const { return domain_state(m_host, "test").value(); }
  [[nodiscard]] static SourceBefore noted() {
    return look_at_domain({"test", k_source_uri}).value();
  }
  void shut_down() {
    m_host.stop("test");
    host::set_autostart(m_host, "test", false);
  }
  // As a hook of the job's does it.
  SourceBefore shut_down_by_hook() {
    SourceBefore before = noted();
    const auto ahead = state_now(before);
    shut_down();
    note_hook(before, ahead);
    return before;
  }

  host::Connection m_host = host::Connection::open(k_source_uri, host::Access::read_write);
  TempDir m_dir{std::filesystem::temp_directory_path(), "vmconvert-source-state"};
};

TEST_F(SourceStateTest, IsNotedForADomainOnAConnectionAlone) {
  EXPECT_EQ(noted(), (SourceBefore{k_source_uri, "test", now(), false, false}));
  EXPECT_TRUE(noted().was.active);
  EXPECT_EQ(noted().was.autostart, std::optional(true));
  EXPECT_FALSE(look_at_domain({"/etc/xen/web01.cfg", ""}));
  EXPECT_FALSE(look_at_domain({"web01", k_source_uri}));
  EXPECT_FALSE(look_at_domain({"web01", "qemu+unix:///system?socket=/nonexistent/sock"}));
}

TEST_F(SourceStateTest, ComesBackFromTheDisk) {
  EXPECT_FALSE(load_source_before(m_dir.path()));
  SourceBefore before = noted();
  before.name = "we\"b\n";
  before.was.autostart = std::nullopt;
  before.stopped_by_hook = true;
  save_source_before(m_dir.path(), before);
  EXPECT_EQ(load_source_before(m_dir.path()), before);
  std::ofstream(m_dir.path() / "source-domain.json") << "{\"uri\": 7}";
  EXPECT_THROW(static_cast<void>(load_source_before(m_dir.path())), Error);
  forget_source_before(m_dir.path());
  EXPECT_FALSE(load_source_before(m_dir.path()));
}

TEST_F(SourceStateTest, WhatAHookDidIsBroughtBack) {
  const SourceBefore before = shut_down_by_hook();
  EXPECT_TRUE(before.stopped_by_hook);
  EXPECT_TRUE(before.autostart_off_by_hook);
  EXPECT_THAT(differences(before),
              ElementsAre(HasSubstr("by one of its hooks"),
                          HasSubstr("virsh -c test:///default autostart test")));
  const SourceReturn result = restore_source(before, RestoreSource::hooks);
  EXPECT_THAT(result.restored,
              ElementsAre(HasSubstr("autostart of the source test on test:///default is on again"),
                          HasSubstr("runs again")));
  EXPECT_THAT(result.left, IsEmpty());
  EXPECT_EQ(now(), before.was);
  EXPECT_THAT(differences(before), IsEmpty());
  EXPECT_THAT(restore_source(before, RestoreSource::hooks).restored, IsEmpty()) << "once is enough";
}

TEST_F(SourceStateTest, WhatALaterHookUndidIsNoHooksWorkAnyMore) {
  SourceBefore before = shut_down_by_hook();
  const auto ahead = state_now(before);
  m_host.start("test");
  note_hook(before, ahead);
  EXPECT_FALSE(before.stopped_by_hook);
  EXPECT_TRUE(before.autostart_off_by_hook);
}

TEST_F(SourceStateTest, WhatTheOperatorDidIsToldAndBroughtBackOnlyWhenAsked) {
  const SourceBefore before = noted();
  shut_down();
  const SourceReturn told = restore_source(before, RestoreSource::hooks);
  EXPECT_THAT(told.restored, IsEmpty());
  EXPECT_THAT(told.left, ElementsAre(HasSubstr("ran when the job began and is shut off now: virsh "
                                               "-c test:///default start test"),
                                     HasSubstr("was on when the job began and is off now")));
  EXPECT_FALSE(now().active);
  EXPECT_EQ(restore_source(before, RestoreSource::all).restored.size(), 2U);
  EXPECT_EQ(now(), before.was);
}

TEST_F(SourceStateTest, NothingIsBroughtBackWhereThatIsNotWanted) {
  const SourceBefore before = shut_down_by_hook();
  EXPECT_EQ(restore_source(before, RestoreSource::none).left.size(), 2U);
  EXPECT_FALSE(now().active);
}

TEST_F(SourceStateTest, AMachineIsNeverStopped) {
  m_host.stop("test");
  const SourceBefore before = noted();
  m_host.start("test");
  const SourceReturn result = restore_source(before, RestoreSource::all);
  EXPECT_THAT(result.restored, IsEmpty());
  EXPECT_THAT(result.left, ElementsAre(HasSubstr("was shut off when the job began and runs now")));
  EXPECT_TRUE(now().active);
}

TEST_F(SourceStateTest, AnotherDomainOfTheNameIsLeftAlone) {
  SourceBefore before = shut_down_by_hook();
  before.was.uuid = "00000000-0000-4000-8000-000000000001";
  EXPECT_THAT(restore_source(before, RestoreSource::all).left,
              ElementsAre(HasSubstr("is not there any more")));
  EXPECT_FALSE(now().active);
}

TEST_F(SourceStateTest, UndoBringsItBack) {
  std::string id;
  RealCommandRunner commands;
  {
    Workspace workspace(m_dir.path());
    id = workspace.job_id();
    Journal journal(m_dir.path());
    journal.add({id, "test", "test", "test", JobState::done, "", 0, 0, "0.1.0"});
    save_source_before(workspace.keep(), shut_down_by_hook());
  }
  EXPECT_EQ(to_text(source_before(m_dir.path(), find_job(m_dir.path(), id)).value()),
            "test on test:///default ran, autostart on");
  EXPECT_EQ(undo_job(m_dir.path(), id, commands).restored.size(), 2U);
  EXPECT_TRUE(now().active);
  EXPECT_EQ(now().autostart, std::optional(true));
  EXPECT_EQ(find_job(m_dir.path(), id).record.state, JobState::undone);
  EXPECT_TRUE(undo_job(m_dir.path(), id, commands).restored.empty());
}

}  // namespace
}  // namespace vmconvert::job
