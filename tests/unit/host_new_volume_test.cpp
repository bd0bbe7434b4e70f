// What happens on real LVM is in tests/hypervisor/lvm_test.cpp; here is what can be seen without,
// above all the ways in which making a volume goes wrong.
#include "host/new_volume.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/log.hpp"
#include "base/text.hpp"
#include "base/units.hpp"
#include "host_lvm_support.hpp"

namespace vmconvert::host {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::IsSupersetOf;
using testing::MatchesRegex;
using testing::StartsWith;

constexpr std::chrono::milliseconds k_no_wait(0);
// A group that this machine has no device of.
constexpr const char* k_new_row =
    R"({"report":[{"lv":[{"lv_uuid":"AAAAAA-1111-2222-3333-4444-5555-BBBBBB","lv_name":"NAME",)"
    R"("vg_name":"vg0","lv_size":"12582912","lv_attr":"-wi-a-----","lv_path":"/dev/vg0/NAME",)"
    R"("lv_tags":"TAGS","origin":"","pool_lv":"","data_percent":"","metadata_percent":"",)"
    R"("chunk_size":"0","lv_metadata_size":"","zero":"unknown","segtype":"linear"}]}]})";

std::string value_after(const Command& command, const std::string& word) {
  const auto at = std::find(command.argv.begin(), command.argv.end(), word);
  return at == command.argv.end() || at + 1 == command.argv.end() ? "" : *(at + 1);
}

std::vector<std::string> tags_of(const Command& command) {
  std::vector<std::string> tags;
  for (std::size_t at = 0; at + 1 < command.argv.size(); ++at) {
    if (command.argv[at] == "--addtag") {
      tags.push_back(command.argv[at + 1]);
    }
  }
  return tags;
}

class NewVolumes : public testing::Test {
 protected:
  NewVolumes() {
    fake.answer("vgs", recorded("groups.json"));
    fake.answer("lvs", recorded("volumes.json"));
    fake.answer("lvremove", "");
    fake.answers["lvcreate"] = [this](const Command& command) {
      show(value_after(command, "--name"), join(tags_of(command), ","));
      return FakeLvm::result({});
    };
  }

  // From now on lvs has one volume more.
  void show(const std::string& name, const std::string& tags) {
    fake.answer("lvs", replace_all(replace_all(k_new_row, "NAME", name), "TAGS", tags));
  }

  Error error_for(NewVolumeRequest request) {
    request.device_timeout = k_no_wait;
    return error_of([&] { NewVolume(request, fake); });
  }

  FakeLvm fake;
};

TEST_F(NewVolumes, AreMadeInExtentsWithTagsAndRemovedByUuidAndTag) {
  const Error error = error_for({{"vg0", "web"}, {9 * k_mib}, {}, {"job 1", "/dev/old/web"}});
  EXPECT_EQ(error.kind(), ErrorKind::io);
  EXPECT_EQ(error.message(), "the device /dev/vg0/web of a new volume did not appear within 0 ms");

  ASSERT_EQ(fake.all("lvcreate").size(), 1U);
  const Command made = fake.all("lvcreate")[0];
  EXPECT_EQ(made.ending, Ending::by_itself);
  EXPECT_EQ(value_after(made, "--extents"), "3");
  EXPECT_EQ(value_after(made, "--wipesignatures"), "y");
  EXPECT_EQ(value_after(made, "--zero"), "y");
  EXPECT_THAT(made.argv, Contains("--yes"));
  EXPECT_EQ(made.argv.back(), "vg0");
  const auto tags = tags_of(made);
  EXPECT_THAT(
      tags, IsSupersetOf({"vmconvert", "vmconvert.job=job+201", "vmconvert.source=/dev/old/web"}));
  EXPECT_THAT(tags, Contains(MatchesRegex("vmconvert\\.time=[0-9T:-]+Z")));

  ASSERT_EQ(fake.all("lvremove").size(), 1U);
  const Command removed = fake.all("lvremove")[0];
  const auto id = std::find_if(tags.begin(), tags.end(),
                               [](const auto& tag) { return tag.starts_with("vmconvert.id="); });
  ASSERT_NE(id, tags.end());
  EXPECT_EQ(value_after(removed, "--select"),
            "lv_uuid=\"AAAAAA-1111-2222-3333-4444-5555-BBBBBB\" && lv_tags=\"" + *id + "\"");
  EXPECT_EQ(removed.argv.back(), "vg0") << "never a volume's name";
  EXPECT_EQ(removed.ending, Ending::by_itself);
}

TEST_F(NewVolumes, AreThinInAPool) {
  fake.answers["lvs"] = [](const Command&) { return FakeLvm::result(recorded("volumes.json")); };
  static_cast<void>(error_for({{"vg0", "web"}, {9 * k_mib}, "pool"}));
  ASSERT_EQ(fake.all("lvcreate").size(), 1U);
  const Command made = fake.all("lvcreate")[0];
  EXPECT_EQ(value_after(made, "--thinpool"), "pool");
  EXPECT_EQ(value_after(made, "--virtualsize"), "12582912b");
  EXPECT_EQ(value_after(made, "--extents"), "");
  EXPECT_EQ(error_for({{"vg0", "web"}, {k_mib}, "thick"}).kind(), ErrorKind::bad_input);
}

TEST_F(NewVolumes, AreRefusedBeforeAnythingIsDone) {
  EXPECT_EQ(error_for({{"vg9", "web"}, {k_mib}}).kind(), ErrorKind::not_found);
  EXPECT_EQ(error_for({{"vg0", "thick"}, {k_mib}}).message(),
            "the volume vg0/thick exists already");
  EXPECT_EQ(error_for({{"vg0", "snapshot1"}, {k_mib}}).kind(), ErrorKind::bad_input);
  EXPECT_EQ(error_for({{"vg0", "web"}, {0}}).kind(), ErrorKind::bad_input);
  EXPECT_EQ(error_for({{"vg0", "web"}, {k_gib}}).kind(), ErrorKind::io);
  EXPECT_EQ(error_for({{"vg0", "web"}, {k_mib}, "absent"}).kind(), ErrorKind::not_found);
  EXPECT_THAT(fake.all("lvcreate"), IsEmpty());
  EXPECT_THAT(fake.all("lvremove"), IsEmpty());
}

TEST_F(NewVolumes, SayThatSomebodyElseWasQuicker) {
  fake.answers["lvcreate"] = [this](const Command& command) {
    show(value_after(command, "--name"), "somebody");
    return FakeLvm::result("", 5, "  Logical Volume \"web\" already exists\n");
  };
  const Error error = error_for({{"vg0", "web"}, {k_mib}});
  EXPECT_EQ(error.message(), "the volume vg0/web exists already");
  // Asked for our tag, which the other one does not have.
  ASSERT_EQ(fake.all("lvremove").size(), 1U);
  EXPECT_THAT(value_after(fake.all("lvremove")[0], "--select"),
              StartsWith("lv_tags=\"vmconvert.id="));
}

TEST_F(NewVolumes, HandOnLvmsReason) {
  fake.answer("lvcreate", "", 5, "  WARNING: noise.\n  device not cleared\n  Aborting.\n");
  const Error error = error_for({{"vg0", "web"}, {k_mib}});
  EXPECT_EQ(error.kind(), ErrorKind::tool_failed);
  EXPECT_EQ(error.message(),
            "making the volume vg0/web: lvcreate ended with 5: device not cleared; Aborting.");
}

TEST_F(NewVolumes, WarnWhenTheyCannotBeRemoved) {
  std::string logged;
  const LogSink sink = set_log_sink([&](LogLevel level, std::string_view text) {
    logged += level == LogLevel::warning ? text : "";
  });
  fake.answer("lvremove", "", 5, "  Logical volume vg0/web in use.\n");
  static_cast<void>(error_for({{"vg0", "web"}, {k_mib}}));
  set_log_sink(sink);
  EXPECT_THAT(logged,
              AllOf(HasSubstr("vg0/web could not be removed: Logical volume vg0/web in use."),
                    HasSubstr("lvremove --select 'lv_uuid=")));
}

class Snapshots : public NewVolumes {
 protected:
  Error error_for(SnapshotRequest request) {
    request.device_timeout = k_no_wait;
    return error_of([&] { Snapshot(request, fake); });
  }
};

TEST_F(Snapshots, AreReadOnlyAndSized) {
  static_cast<void>(error_for({{"vg0", "thick"}, "copy", {5 * k_mib}, "job"}));
  ASSERT_EQ(fake.all("lvcreate").size(), 1U);
  const Command made = fake.all("lvcreate")[0];
  EXPECT_THAT(made.argv, Contains("--snapshot"));
  EXPECT_EQ(value_after(made, "--permission"), "r");
  EXPECT_EQ(value_after(made, "--extents"), "2");
  EXPECT_EQ(made.argv.back(), "vg0/thick");
  EXPECT_THAT(tags_of(made), Contains("vmconvert.source=/dev/vg0/thick"));
}

TEST_F(Snapshots, OfThinVolumesAreThin) {
  static_cast<void>(error_for({{"vg0", "thin1"}, "copy", {}}));
  ASSERT_EQ(fake.all("lvcreate").size(), 1U);
  EXPECT_EQ(value_after(fake.all("lvcreate")[0], "--extents"), "");
  EXPECT_EQ(value_after(fake.all("lvcreate")[0], "--setactivationskip"), "n");
}

TEST_F(Snapshots, AreRefusedWhereTheyMakeNoSense) {
  EXPECT_EQ(error_for({{"vg0", "absent"}, "copy", {k_mib}}).kind(), ErrorKind::not_found);
  EXPECT_THAT(error_for({{"vg0", "off"}, "copy", {k_mib}}).message(), HasSubstr("is not active"));
  EXPECT_EQ(error_for({{"vg0", "snap"}, "copy", {k_mib}}).kind(), ErrorKind::bad_input);
  EXPECT_EQ(error_for({{"vg0", "pool"}, "copy", {k_mib}}).kind(), ErrorKind::bad_input);
  EXPECT_EQ(error_for({{"vg0", "thick"}, "snap", {k_mib}}).message(),
            "the volume vg0/snap exists already");
  EXPECT_EQ(error_for({{"vg0", "thick"}, "copy", {k_gib}}).kind(), ErrorKind::io);
  EXPECT_THAT(fake.all("lvcreate"), IsEmpty());
}

}  // namespace
}  // namespace vmconvert::host
