// Reports in tests/recorded/lvm come from LVM 2.03.16 in the machine of tests/hypervisor.
#include "host/lvm.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <limits>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/text.hpp"
#include "host/lvm_report.hpp"
#include "host_lvm_support.hpp"

namespace vmconvert::host {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

LogicalVolume only(const std::string& file, const std::string& name) {
  for (const VolumeRow& row : parse_volumes(recorded(file))) {
    if (row.volume.name.volume == name) {
      return row.volume;
    }
  }
  ADD_FAILURE() << "no " << name << " in " << file;
  return {};
}

TEST(LvmReport, GivesGroupsInBytesAndExtents) {
  const auto groups = parse_groups(recorded("groups.json"));
  ASSERT_EQ(groups.size(), 2U);
  EXPECT_EQ(groups[0].name, "vg0");
  EXPECT_EQ(groups[0].uuid, "1HtsJ4-3p8v-3BD0-anh3-C7hq-TQJW-0Hp2sE");
  EXPECT_EQ(groups[0].extent_size.value, 4194304U);
  EXPECT_EQ(groups[0].size.value, 1069547520U);
  EXPECT_EQ(groups[0].free.value, 662700032U);
  EXPECT_EQ(groups[0].extents, 255U);
  EXPECT_EQ(groups[0].free_extents, 158U);
  EXPECT_TRUE(groups[0].writable);
  EXPECT_FALSE(groups[0].exported || groups[0].partial);
}

TEST(LvmReport, GivesVolumesOfAllKinds) {
  const LogicalVolume thick = only("volumes.json", "thick");
  EXPECT_EQ(thick.name, (VolumeName{"vg0", "thick"}));
  EXPECT_EQ(thick.size.value, 67108864U);
  EXPECT_EQ(thick.path, "/dev/vg0/thick");
  EXPECT_EQ(thick.attributes.type, 'o');
  EXPECT_EQ(thick.attributes.open, Truth::yes);
  EXPECT_EQ(thick.attributes.active, Truth::yes);
  EXPECT_THAT(thick.tags, IsEmpty());
  const LogicalVolume thin = only("volumes.json", "thin1");
  EXPECT_EQ(thin.pool, "pool");
  EXPECT_THAT(thin.tags, ElementsAre("vmconvert", "vmconvert.job=a+20b"));
  EXPECT_EQ(only("volumes.json", "off").attributes.active, Truth::no);
  EXPECT_EQ(only("volumes.json", "snap").origin, "thick");
  EXPECT_FALSE(only("volumes.json", "snap").attributes.invalid_snapshot);
  EXPECT_TRUE(only("volumes.json", "spent").attributes.invalid_snapshot);
  EXPECT_EQ(only("volumes.json", "pool").path, "");
}

TEST(LvmReport, SaysUnknownWhereTheKernelWasNotAsked) {
  const LogicalVolume thick = only("volumes-without-device-mapper.json", "thick");
  EXPECT_EQ(thick.attributes.active, Truth::unknown);
  EXPECT_EQ(thick.attributes.open, Truth::unknown);
  EXPECT_EQ(thick.attributes.writable, Truth::yes);
  EXPECT_FALSE(thick.data_percent);
}

TEST(LvmReport, TakesAttributesOfAnyLength) {
  EXPECT_EQ(parse_attributes("").active, Truth::unknown);
  EXPECT_EQ(parse_attributes("-r").writable, Truth::no);
  EXPECT_EQ(parse_attributes("-R").writable, Truth::no);
  EXPECT_EQ(parse_attributes("twi-aotzD-").healthy, Truth::no);
  EXPECT_EQ(parse_attributes("twi-aotz--").healthy, Truth::yes);
  EXPECT_EQ(parse_attributes("-wi-#!--#and more").open, Truth::unknown);
}

TEST(LvmReport, RefusesWhatIsNoReport) {
  const std::string good = recorded("volumes.json");
  for (const std::string& bad : std::vector<std::string>{
           "", "{}", "[]", R"({"report":1})", R"({"report":[{"vg":[]}]})",
           R"({"report":[{"lv":[1]}]})", R"({"report":[{"lv":[{"lv_name":1}]}]})",
           replace_all(good, R"("67108864")", R"("64m")"),
           replace_all(good, R"("67108864")", R"("99999999999999999999")"),
           replace_all(good, R"("7.81")", R"("781")"), replace_all(good, R"("7.81")", R"("nan")"),
           replace_all(good, R"("65536")", R"("0")"), good.substr(0, good.size() / 2)}) {
    EXPECT_EQ(error_of([&] { static_cast<void>(parse_volumes(bad)); }).kind(),
              ErrorKind::tool_failed)
        << bad;
  }
  EXPECT_THROW(parse_groups(replace_all(recorded("groups.json"), R"("4194304")", R"("0")")), Error);
}

TEST(Lvm, AsksInBytesAndFindsTheGroup) {
  FakeLvm fake;
  fake.answer("vgs", recorded("groups.json"));
  EXPECT_EQ(volume_group(fake, "vg1").extent_size.value, k_mib);
  ASSERT_EQ(fake.seen.size(), 1U);
  EXPECT_THAT(fake.seen[0].argv, ElementsAre("lvm", "vgs", "--reportformat", "json", "--units", "b",
                                             "--nosuffix", "-o", k_group_fields));
  EXPECT_EQ(fake.seen[0].environment.at("LVM_SUPPRESS_FD_WARNINGS"), "1");
  EXPECT_EQ(fake.seen[0].ending, Ending::with_us);
}

TEST(Lvm, NamesTheGroupsThatExist) {
  FakeLvm fake;
  fake.answer("vgs", recorded("groups.json"), 5, "  Volume group x is broken\n");
  const Error error = error_of([&] { static_cast<void>(volume_group(fake, "vg\x1b")); });
  EXPECT_EQ(error.kind(), ErrorKind::not_found);
  EXPECT_EQ(error.message(), "there is no volume group vg\\x1b");
  EXPECT_EQ(error.remedy(), "this host has vg0, vg1");
}

TEST(Lvm, SaysWhyThereIsNoListOfGroups) {
  FakeLvm fake;
  fake.answer("vgs", "", 5, "  WARNING: noise\n  /run/lock/lvm: Permission denied\n");
  const Error error = error_of([&] { static_cast<void>(volume_group(fake, "vg0")); });
  EXPECT_EQ(error.kind(), ErrorKind::tool_failed);
  EXPECT_EQ(error.message(),
            "listing the volume groups: lvm ended with 5: /run/lock/lvm: Permission denied");
}

TEST(Lvm, RefusesAGroupNameThatTwoGroupsHave) {
  FakeLvm fake;
  fake.answer("vgs", replace_all(recorded("groups.json"), R"("vg1")", R"("vg0")"));
  EXPECT_EQ(error_of([&] { static_cast<void>(volume_group(fake, "vg0")); }).kind(),
            ErrorKind::bad_input);
}

TEST(Lvm, FindsPoolsAndRefusesOtherVolumesAsPools) {
  FakeLvm fake;
  fake.answer("lvs", recorded("volumes.json"));
  const auto pool = thin_pool(fake, {"vg0", "pool"});
  ASSERT_TRUE(pool);
  EXPECT_THAT(fake.seen[0].argv, testing::IsSupersetOf({"--select", R"(lv_name="pool")", "vg0"}));
  EXPECT_EQ(pool->size.value, 268435456U);
  EXPECT_EQ(pool->metadata_size.value, 4194304U);
  EXPECT_EQ(pool->chunk_size.value, 65536U);
  EXPECT_EQ(pool->data_percent, 7.81);
  EXPECT_EQ(pool->metadata_percent, 11.52);
  EXPECT_TRUE(pool->zeroing);
  EXPECT_FALSE(thin_pool(fake, {"vg0", "poolnz"})->zeroing);
  EXPECT_FALSE(thin_pool(fake, {"vg0", "absent"}));
  const Error error = error_of([&] { static_cast<void>(thin_pool(fake, {"vg0", "thick"})); });
  EXPECT_EQ(error.kind(), ErrorKind::bad_input);
  EXPECT_THAT(error.message(), HasSubstr("vg0/thick is no thin pool but a volume of type linear"));
}

TEST(Lvm, NeverPassesAnOddNameToLvm) {
  FakeLvm fake;
  fake.answer("vgs", recorded("groups.json"));
  for (const char* name : {"a\" || lv_name=~\"", "-x", "", "a b", "..", "@tag"}) {
    EXPECT_FALSE(logical_volume(fake, {"vg0", name})) << name;
  }
  for (const Command& command : fake.seen) {
    EXPECT_EQ(command.argv.at(1), "vgs");
  }
}

TEST(Lvm, RoundsUpToWholeExtents) {
  constexpr ByteCount k_extent{4 * k_mib};
  EXPECT_EQ(round_up_to_extents({1}, k_extent), k_extent);
  EXPECT_EQ(round_up_to_extents(k_extent, k_extent), k_extent);
  EXPECT_EQ(extents_for({197006458880U}, k_extent), 46970U);
  EXPECT_EQ(to_text_in_extents({197006458880U}, k_extent),
            "197,006,458,880 bytes = 46,970 extents of 4 MiB");
  EXPECT_EQ(to_text_in_extents({999}, {1000}), "999 bytes = 1 extent of 1000 bytes");
  EXPECT_THROW(round_up_to_extents({std::numeric_limits<std::uint64_t>::max()}, k_extent), Error);
}

TEST(LvmRoom, CountsAllDisksOfAGuestInExtents) {
  const VolumeGroup group = parse_groups(recorded("groups.json"))[0];  // 158 extents are free
  const ByteCount most{157 * group.extent_size.value};
  require_room(group, std::array{most, ByteCount{1}});
  const Error error = error_of([&] {
    require_room(group, std::array{most, ByteCount{1}, ByteCount{1}});
  });
  EXPECT_EQ(error.kind(), ErrorKind::io);
  EXPECT_EQ(
      error.message(),
      "the volume group vg0 is too full: needed are 666,894,336 bytes = 159 extents of 4 MiB, "
      "free are 158");
  const VolumeGroup full = parse_groups(recorded("full-group.json"))[0];
  EXPECT_THROW(require_room(full, std::array{ByteCount{1}}), Error);
  require_room(full, {});
}

TEST(LvmRoom, RefusesAGroupInWhichNothingCanBeMade) {
  VolumeGroup group = parse_groups(recorded("groups.json"))[0];
  group.partial = true;
  EXPECT_EQ(error_of([&] { require_room(group, {}); }).kind(), ErrorKind::bad_input);
  group.partial = false;
  group.exported = true;
  EXPECT_THAT(error_of([&] { require_room(group, {}); }).message(), HasSubstr("exported"));
}

ThinPool recorded_pool() {
  FakeLvm fake;
  fake.answer("lvs", recorded("volumes.json"));
  return thin_pool(fake, {"vg0", "pool"}).value();
}

TEST(LvmRoom, KeepsAThinPoolFromFilling) {
  const ThinPool pool = recorded_pool();
  // 100 - 7.81 - 0.005 percent of 256 MiB are 3775 chunks and a bit.
  require_room(pool, std::array{ByteCount{3774 * 65536}, ByteCount{1}});
  const Error error = error_of([&] {
    require_room(pool, std::array{ByteCount{3775 * 65536}, ByteCount{1}});
  });
  EXPECT_EQ(error.kind(), ErrorKind::io);
  EXPECT_THAT(error.message(), AllOf(HasSubstr("vg0/pool is too full"), HasSubstr("are free")));
  EXPECT_THAT(error.remedy(), HasSubstr("lvextend -L"));
}

TEST(LvmRoom, CountsThePoolsMetadata) {
  ThinPool pool = recorded_pool();
  pool.metadata_percent = 99.9;
  const Error error = error_of([&] { require_room(pool, std::array{ByteCount{100 * k_mib}}); });
  EXPECT_THAT(error.message(), HasSubstr("too little metadata"));
}

TEST(LvmRoom, RefusesAPoolThatIsNotActiveOrNotHealthy) {
  ThinPool pool = recorded_pool();
  pool.healthy = Truth::no;
  EXPECT_THAT(error_of([&] { require_room(pool, {}); }).message(), HasSubstr("not healthy"));
  pool.data_percent = {};
  EXPECT_THAT(error_of([&] { require_room(pool, {}); }).message(), HasSubstr("not active"));
}

}  // namespace
}  // namespace vmconvert::host
