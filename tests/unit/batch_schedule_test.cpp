// Whose turn it is, with the clock given.
#include "batch/schedule.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <ctime>

#include "base/temp_dir.hpp"
#include "batch/devices.hpp"

#include <fstream>

namespace vmconvert::batch {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;

QueuedGuest guest(const std::string& name, unsigned rank = 0, Texts devices = {}) {
  QueuedGuest made;
  made.record.guest = name;
  made.rank = rank;
  made.devices = std::move(devices);
  return made;
}

constexpr Experience k_known{100.0, 60, 3};  // 100 bytes a second and a minute

TEST(Schedule, BeginsAsManyAsMay) {
  const std::vector<QueuedGuest> guests = {guest("a"), guest("b"), guest("c")};
  Limits limits;
  limits.jobs = 2;
  const Decision decision = decide(guests, limits, k_known, 1000);
  EXPECT_THAT(decision.begin, ElementsAre(0, 1));
  EXPECT_EQ(decision.waiting, 3U);
}

TEST(Schedule, OneReaderForEachPhysicalDisk) {
  std::vector<QueuedGuest> guests = {guest("a", 0, {"8:0"}), guest("b", 0, {"8:0", "8:16"}),
                                     guest("c", 0, {"8:16"}), guest("d", 0, {"8:32"})};
  Limits limits;
  limits.jobs = 4;
  EXPECT_THAT(decide(guests, limits, k_known, 1000).begin, ElementsAre(0, 2, 3));
  guests[0].turn = Turn::running;
  EXPECT_THAT(decide(guests, limits, k_known, 1000).begin, ElementsAre(2, 3));
  limits.jobs_per_device = 2;
  EXPECT_THAT(decide(guests, limits, k_known, 1000).begin, ElementsAre(1, 2, 3));
}

TEST(Schedule, AGroupWaitsForTheOnesBefore) {
  std::vector<QueuedGuest> guests = {guest("a", 0), guest("b", 1), guest("c", 2)};
  Limits limits;
  guests[0].turn = Turn::running;
  EXPECT_THAT(decide(guests, limits, k_known, 1000).begin, IsEmpty());
  guests[0].turn = Turn::succeeded;
  EXPECT_THAT(decide(guests, limits, k_known, 1000).begin, ElementsAre(1));
  guests[0].turn = Turn::failed;
  const Decision held = decide(guests, limits, k_known, 1000);
  EXPECT_THAT(held.begin, IsEmpty());
  EXPECT_EQ(held.held_back, 2U);
  limits.stop_on_failure = false;
  EXPECT_THAT(decide(guests, limits, k_known, 1000).begin, ElementsAre(1));
}

TEST(Schedule, AFailureDoesNotStopItsOwnGroup) {
  std::vector<QueuedGuest> guests = {guest("a"), guest("b")};
  guests[0].turn = Turn::failed;
  EXPECT_THAT(decide(guests, {}, k_known, 1000).begin, ElementsAre(1));
}

TEST(Schedule, WhatWouldNotEndInTimeDoesNotBegin) {
  std::tm time{};
  time.tm_year = 126;
  time.tm_mon = 10;
  time.tm_mday = 24;
  time.tm_hour = 4;
  time.tm_min = 50;
  time.tm_isdst = -1;
  const std::int64_t ten_minutes_left = std::mktime(&time);
  std::vector<QueuedGuest> guests = {guest("long"), guest("short")};
  guests[0].record.measure.size = ByteCount{60000};     // 60 s + 600 s
  guests[1].record.measure.size = ByteCount{900000};    // of which a trial has shown that
  guests[1].record.measure.to_move = ByteCount{50000};  // 500 s + 60 s are enough
  Limits limits;
  limits.windows = {*Window::parse("22:00-05:00")};
  const Decision decision = decide(guests, limits, k_known, ten_minutes_left);
  EXPECT_THAT(decision.begin, ElementsAre(1));
  EXPECT_EQ(decision.for_window, 1U);
  EXPECT_EQ(decide(guests, limits, k_known, ten_minutes_left + 700).for_window, 2U);
  // A limit that makes the copy slower counts.
  guests[1].blueprint.settings["rate_limit"] = {std::uint64_t{50}, 1};
  EXPECT_EQ(decide(guests, limits, k_known, ten_minutes_left).for_window, 2U);
}

TEST(Schedule, ARetryHasItsTime) {
  std::vector<QueuedGuest> guests = {guest("a"), guest("b")};
  guests[0].record.next_try = 1060;
  guests[1].record.next_try = 1030;
  const Decision decision = decide(guests, {}, k_known, 1000);
  EXPECT_THAT(decision.begin, IsEmpty());
  EXPECT_EQ(decision.wake, 1030);
  EXPECT_THAT(decide(guests, {}, k_known, 1060).begin, ElementsAre(0, 1));
  Limits limits;
  limits.retry_wait = 60;
  EXPECT_EQ(backoff(limits, 1), 60);
  EXPECT_EQ(backoff(limits, 3), 240);
  EXPECT_EQ(backoff(limits, 50), 3600);
}

TEST(Schedule, GroupsHaveTheirOrder) {
  std::vector<QueuedGuest> guests = {guest("w2"), guest("w1"), guest("x"), guest("d")};
  guests[0].record.group = guests[1].record.group = "web";
  guests[2].record.group = "other";
  guests[3].record.group = "db";
  guests[0].record.order = 1;
  guests[1].record.order = 2;
  sort_queue(guests, {"db", "web"});
  std::vector<std::string> names;
  for (const QueuedGuest& one : guests) {
    names.push_back(one.record.guest);
  }
  EXPECT_THAT(names, ElementsAre("d", "w2", "w1", "x"));
}

TEST(Experience, ComesFromWhatWasMeasured) {
  EXPECT_EQ(experience_of({}).jobs, 0U);
  EXPECT_GT(experience_of({}).bytes_per_second, 0);
  model::GuestRecord slow;
  slow.measure = {ByteCount{1000}, 10, 30, {}, {}};
  model::GuestRecord fast;
  fast.measure = {ByteCount{3000}, 10, 90, {}, {}};
  model::GuestRecord not_copied;
  not_copied.measure.to_move = ByteCount{1000000};
  const Experience known = experience_of({slow, fast, not_copied});
  EXPECT_EQ(known.jobs, 2U);
  EXPECT_DOUBLE_EQ(known.bytes_per_second, 200);
  EXPECT_DOUBLE_EQ(known.other_seconds, 90);
}

// A volume over a partition of one disk and a whole other one, as sysfs shows it.
TEST(Devices, AreFollowedDownToTheDisks) {
  const TempDir folder(fs::temp_directory_path(), "vmconvert-sysfs");
  struct stat info {};
  ASSERT_EQ(::stat(folder.path().c_str(), &info), 0);
  const fs::path sys = folder.path() / "sys";
  const auto put = [&](const fs::path& path, const std::string& text) {
    fs::create_directories((sys / path).parent_path());
    std::ofstream(sys / path) << text << "\n";
  };
  put("devices/sda/dev", "8:0");
  put("devices/sda/sda2/dev", "8:2");
  put("devices/sda/sda2/partition", "2");
  put("devices/sdb/dev", "8:16");
  put("devices/dm-0/dev", "253:0");
  fs::create_directories(sys / "devices/dm-0/slaves");
  fs::create_directory_symlink(sys / "devices/sda/sda2", sys / "devices/dm-0/slaves/sda2");
  fs::create_directory_symlink(sys / "devices/sdb", sys / "devices/dm-0/slaves/sdb");
  fs::create_directories(sys / "dev/block");
  fs::create_directory_symlink(sys / "devices/sda/sda2", sys / "dev/block/8:2");
  fs::create_directory_symlink(sys / "devices/sda", sys / "dev/block/8:0");
  fs::create_directory_symlink(sys / "devices/sdb", sys / "dev/block/8:16");
  // The folder's own file system is "on" the volume.
  const std::string own =
      std::to_string(major(info.st_dev)) + ":" + std::to_string(minor(info.st_dev));
  EXPECT_THAT(physical_devices(folder.path(), sys), ElementsAre(own));  // not in that sysfs: itself
  fs::create_directory_symlink(sys / "devices/dm-0", sys / "dev/block" / own);
  EXPECT_THAT(physical_devices(folder.path(), sys), ElementsAre("8:0", "8:16"));
  EXPECT_THAT(physical_devices(folder.path() / "no such file", sys), IsEmpty());
}

}  // namespace
}  // namespace vmconvert::batch
