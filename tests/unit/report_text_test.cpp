#include "report/text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "report/json.hpp"

namespace vmconvert::report {
namespace {

using model::ExtentKind;
using testing::HasSubstr;
using testing::Not;

model::RunResult converted() {
  model::RunResult result;
  result.job = "20261121T000000-0001";
  result.guest = "web01";
  result.state = model::RunState::converted;
  result.disks = {{"vda", "/dev/vg/web01", "/srv/web01-vda.raw", ByteCount{4096}, ByteCount{1024},
                   ByteCount{1024}, ByteCount{3072}, "xxh3-128:00"}};
  result.stages = {{"appliance", 27.5}, {"copy", 1.0}};
  return result;
}

TEST(ExtentBar, ShowsEachKindAndLetsPatchesWin) {
  EXPECT_EQ(extent_bar({{ByteCount{0}, ByteCount{10}, ExtentKind::patched},
                        {ByteCount{10}, ByteCount{40}, ExtentKind::needed},
                        {ByteCount{50}, ByteCount{50}, ExtentKind::skipped}},
                       ByteCount{100}, 10),
            "#====.....");
  EXPECT_EQ(extent_bar({}, ByteCount{0}, 4), "....");
}

TEST(Plan, SaysWhatKindOfXenGuestItBecomes) {
  model::Plan plan;
  plan.source.name = plan.name = "web01";
  plan.to = model::TargetHypervisor::xen;
  EXPECT_NE(plan_to_text(plan, Detail::short_form).find("Xen pv guest"), std::string::npos);
  EXPECT_NE(plan_to_text(plan, Detail::short_form).find("to xen\n"), std::string::npos);
  plan.kind = model::VirtKind::pvh;
  EXPECT_NE(plan_to_text(plan, Detail::short_form).find("to xen pvh\n"), std::string::npos);
  plan.to = model::TargetHypervisor::kvm;
  EXPECT_NE(plan_to_text(plan, Detail::short_form).find("to kvm\n"), std::string::npos);
}

TEST(Plan, ShowsALoadersModulesAsOneLine) {
  model::Plan plan;
  for (const char* name : {"a", "b", "c", "d", "e"}) {
    plan.edits.push_back({"bootloader", std::string("/boot/grub/i386-pc/") + name + ".mod",
                          "binary, 0 bytes -> 9 bytes"});
  }
  plan.edits.push_back({"fstab", "/etc/fstab", "--- a/etc/fstab\n"});
  const std::string text = plan_to_text(plan, Detail::full);
  EXPECT_THAT(text, HasSubstr("bootloader    /boot/grub/i386-pc/ (5 files)"));
  EXPECT_THAT(text, Not(HasSubstr("c.mod")));
  EXPECT_THAT(text, HasSubstr("--- a/etc/fstab"));
  EXPECT_THAT(text, HasSubstr("(6)"));
}

TEST(Summary, SaysThatABootWasSeenAndByWhat) {
  model::RunResult result = converted();
  result.trial = model::TrialOutcome{true, 74.2, "web01 login:", {}, "/var/console.log"};
  const std::string text = summary_to_text(result);
  EXPECT_THAT(text, HasSubstr("Boots: seen"));
  EXPECT_THAT(text, HasSubstr("web01 login:"));
  EXPECT_THAT(text, HasSubstr("/var/console.log"));
}

TEST(Summary, SaysThatOnlyThePathWasWalked) {
  model::RunResult result = converted();
  result.boot_path = {{"boot sector", true, "GRUB 2"}, {"kernel", false, "no /boot/vmlinuz"}};
  const std::string gap = summary_to_text(result);
  EXPECT_THAT(gap, HasSubstr("has a gap"));
  EXPECT_THAT(gap, HasSubstr("GAP  kernel"));
  result.boot_path[1].ok = true;
  const std::string whole = summary_to_text(result);
  EXPECT_THAT(whole, HasSubstr("no boot was seen"));
  EXPECT_THAT(whole, Not(HasSubstr("GAP")));
}

TEST(Summary, MakesGuestTextHarmless) {
  model::RunResult result = converted();
  result.trial = model::TrialOutcome{false, 1, "kernel panic \x1b[2J", {"\x1b]0;title"}, ""};
  EXPECT_THAT(summary_to_text(result), Not(HasSubstr("\x1b")));
}

TEST(Json, HasTheNamesAndUnitsOfTheContract) {
  const auto json = nlohmann::json::parse(to_json(converted()));
  EXPECT_EQ(json.at("version"), 1);
  EXPECT_EQ(json.at("job"), "20261121T000000-0001");
  EXPECT_EQ(json.at("guest"), "web01");
  EXPECT_EQ(json.at("state"), "converted");
  const auto& disk = json.at("disks").at(0);
  EXPECT_EQ(disk.at("target"), "vda");
  EXPECT_EQ(disk.at("source"), "/dev/vg/web01");
  EXPECT_EQ(disk.at("size_bytes"), 4096);
  EXPECT_EQ(disk.at("read_bytes"), 1024);
  EXPECT_EQ(disk.at("written_bytes"), 1024);
  EXPECT_EQ(disk.at("skipped_bytes"), 3072);
  EXPECT_EQ(disk.at("checksum"), "xxh3-128:00");
  EXPECT_EQ(json.at("stages").at(0).at("name"), "appliance");
  EXPECT_EQ(json.at("stages").at(0).at("seconds"), 27.5);
  EXPECT_TRUE(json.at("trial").is_null());
  EXPECT_TRUE(json.at("edits").is_array());
  EXPECT_TRUE(json.at("findings").is_array());
}

TEST(Json, SurvivesTextThatIsNoUtf8) {
  model::RunResult result = converted();
  result.edits = {{"fstab", "/etc/fstab", "\xff\xfe"}};
  const auto json = nlohmann::json::parse(to_json(result));
  EXPECT_EQ(json.at("edits").at(0).at("path"), "/etc/fstab");
}

}  // namespace
}  // namespace vmconvert::report
