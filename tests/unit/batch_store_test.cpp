// What lasts of a guest, and who works on it.
#include "batch/store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/error.hpp"
#include "base/temp_dir.hpp"

namespace vmconvert::batch {
namespace {

namespace fs = std::filesystem;
using model::GuestRecord;
using model::Milestone;
using model::Standing;

class StoreTest : public testing::Test {
 protected:
  static GuestRecord record(const std::string& guest, std::int64_t order = 0) {
    GuestRecord made;
    made.batch = "night";
    made.guest = guest;
    made.source = "/etc/xen/" + guest + ".cfg";
    made.order = order;
    made.updated = 1000;
    return made;
  }

  TempDir m_state{fs::temp_directory_path(), "vmconvert-store"};
};

TEST_F(StoreTest, RemembersAcrossProcesses) {
  {
    GuestStore store(m_state.path());
    GuestRecord made = record("web01");
    made.standing = Standing::failed;
    made.error = "no room";
    made.exit_code = 1;
    made.measure = {ByteCount{5000000000}, 100.5, 60, ByteCount{9000000000}, ByteCount{4000000000}};
    made.reached.at(static_cast<std::size_t>(Milestone::tried)) = 900;
    store.update(made);
  }
  const auto found = GuestStore(m_state.path()).find({"night", "web01"});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->source, "/etc/xen/web01.cfg");
  EXPECT_EQ(found->standing, Standing::failed);
  EXPECT_EQ(found->error, "no room");
  EXPECT_EQ(found->measure.to_move.value, 5000000000U);
  EXPECT_DOUBLE_EQ(found->measure.move_seconds, 100.5);
  EXPECT_EQ(found->time_of(Milestone::tried), 900);
  EXPECT_EQ(found->time_of(Milestone::copied), 0);
  EXPECT_EQ(found->furthest(), Milestone::tried);
}

TEST_F(StoreTest, OneWorkerAtATime) {
  GuestStore store(m_state.path());
  EXPECT_TRUE(store.claim({"night", "web01"}, "host 1", 1000));
  EXPECT_FALSE(store.claim({"night", "web01"}, "host 2", 1060));
  EXPECT_TRUE(store.claim({"night", "web02"}, "host 2", 1060));
  // A heartbeat keeps it; silence loses it.
  EXPECT_TRUE(store.heartbeat({"night", "web01"}, "host 1", {}, 1100));
  EXPECT_FALSE(store.claim({"night", "web01"}, "host 2", 1100 + GuestStore::k_claim_seconds));
  EXPECT_TRUE(store.claim({"night", "web01"}, "host 2", 1101 + GuestStore::k_claim_seconds));
  EXPECT_FALSE(store.heartbeat({"night", "web01"}, "host 1", {}, 1300));
}

TEST_F(StoreTest, TheEndOfWorkGivesTheClaimBack) {
  GuestStore store(m_state.path());
  ASSERT_TRUE(store.claim({"night", "web01"}, "host 1", 1000));
  GuestRecord made = record("web01");
  made.standing = Standing::running;
  store.update(made);
  EXPECT_FALSE(store.claim({"night", "web01"}, "host 2", 1001));
  made.standing = Standing::interrupted;
  store.update(made);
  EXPECT_TRUE(store.claim({"night", "web01"}, "host 2", 1002));
}

TEST_F(StoreTest, TellsWhatChanged) {
  GuestStore store(m_state.path());
  store.update(record("web02", 2));
  store.update(record("web01", 1));
  GuestRecord by_hand = record("db");
  by_hand.batch.clear();
  store.update(by_hand);
  const auto all = store.watch("night");
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].guest, "web01");
  EXPECT_EQ(store.watch().size(), 3U);
  std::int64_t seen = 0;
  for (const GuestRecord& one : store.watch()) {
    seen = std::max(seen, one.revision);
  }
  EXPECT_TRUE(store.watch("night", seen).empty());
  ASSERT_TRUE(store.claim({"night", "web02"}, "host 1", 1000));
  ASSERT_TRUE(store.heartbeat({"night", "web02"}, "host 1",
                              {"copy", "vda", ByteCount{10}, ByteCount{40}, 5, 6}, 1001));
  const auto changed = store.watch("night", seen);
  ASSERT_EQ(changed.size(), 1U);
  EXPECT_EQ(changed[0].guest, "web02");
  EXPECT_EQ(changed[0].progress.stage, "copy");
  EXPECT_EQ(changed[0].progress.total.value, 40U);
  EXPECT_EQ(changed[0].standing, Standing::running);
}

TEST_F(StoreTest, HostileNamesStayText) {
  GuestStore store(m_state.path());
  const std::string name = "x'); DROP TABLE guest; --";
  store.update(record(name));
  ASSERT_TRUE(store.find({"night", name}));
}

TEST_F(StoreTest, RefusesAnotherProgramsFile) {
  std::ofstream(m_state.path() / "guests.sqlite") << std::string(4096, 'x');
  try {
    const GuestStore store(m_state.path());
    FAIL() << "a file of x was taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::bad_input);
    EXPECT_THAT(error.message(), testing::HasSubstr("guests.sqlite"));
  }
}

TEST(Milestones, HaveNamesThatCanBeTyped) {
  EXPECT_EQ(model::milestone_from("cut-over"), Milestone::cut_over);
  EXPECT_EQ(model::milestone_from("source released"), Milestone::source_released);
  EXPECT_FALSE(model::milestone_from("finished"));
}

}  // namespace
}  // namespace vmconvert::batch
