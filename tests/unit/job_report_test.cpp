#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/error.hpp"
#include "job/recorder.hpp"
#include "job/saved_report.hpp"

namespace vmconvert::job {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

class Kept : public testing::Test {
 protected:
  void SetUp() override {
    m_folder = fs::path(testing::TempDir()) /
               testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(m_folder);
  }
  void TearDown() override { fs::remove_all(m_folder); }
  fs::path m_folder;
};
using SavedReport = Kept;

TEST_F(SavedReport, ComesBackAsItWas) {
  model::JobReport report;
  report.job = "20261128T160000-ab12";
  report.guest = "web\xff";  // not UTF-8
  report.inside.kernels = {{"6.1", "/boot/vmlinuz-6.1", "", true}};
  report.inside.filesystems = {{"vda1", "ext4", "u", "", ByteCount{7}, "/"}};
  report.disks.push_back({});
  report.disks[0].name = "vda";
  report.disks[0].partitions = {{1, ByteCount{1048576}, ByteCount{4096}, 0x83, true, false}};
  report.disks[0].cells = {{1, 2, 3}};
  report.disks[0].segments = {{"", 5}, {"/dev/vg/a", 6}};
  report.findings = {{"no-kernel", model::Severity::blocks, "m", "r", true}};
  report.trial = model::TrialOutcome{true, 4.5, "login:", {"a"}, "/x"};
  report.runs.push_back({7, 1.5, "done", {{"copy", "vda", 0, 1}}, {{"copy", "vda", 1, 2, 3}}});
  save_report(m_folder, report);
  const auto back = load_report(m_folder);
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(back->job, report.job);
  EXPECT_EQ(back->guest, "web\uFFFD");
  EXPECT_EQ(back->inside.kernels.at(0).image, "/boot/vmlinuz-6.1");
  EXPECT_EQ(back->inside.filesystems.at(0).size, ByteCount{7});
  EXPECT_EQ(back->disks.at(0).partitions, report.disks[0].partitions);
  EXPECT_EQ(back->disks.at(0).cells.at(0).skipped, 3U);
  EXPECT_EQ(back->disks.at(0).segments.at(1).source, "/dev/vg/a");
  EXPECT_EQ(back->findings.at(0).severity, model::Severity::blocks);
  EXPECT_TRUE(back->findings.at(0).acknowledged);
  EXPECT_EQ(back->trial->evidence, "login:");
  EXPECT_EQ(back->runs.at(0).samples.at(0).total, 3U);
}

TEST_F(SavedReport, IsNothingWhereThereIsNone) {
  EXPECT_FALSE(load_report(m_folder).has_value());
}

TEST_F(SavedReport, OfALaterVersionOrDamagedIsSaidSo) {
  fs::create_directories(m_folder);
  for (const char* text : {"{\"version\": 99}", "{", "[]", "{\"version\": 1}"}) {
    std::ofstream(m_folder / "report.json") << text;
    try {
      static_cast<void>(load_report(m_folder));
      FAIL() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::bad_input) << text;
      EXPECT_THAT(error.message(), testing::HasSubstr("report.json"));
    }
  }
}

model::Progress copying(std::uint64_t done) {
  return {"copy", "vda", ByteCount{done}, ByteCount{1U << 30U}, {}, {}};
}

// A time of 1e27 seconds fits no integer, and the library would convert it in spite of that.
TEST_F(SavedReport, WithANumberOutOfRangeIsRefused) {
  save_report(m_folder, {});
  std::ifstream file(m_folder / "report.json");
  std::string text{std::istreambuf_iterator<char>(file), {}};
  file.close();
  const auto at = text.find("\"memory_bytes\":");
  ASSERT_NE(at, std::string::npos) << text;
  const auto number = text.find_first_of("0123456789", at);
  text.replace(number, text.find_first_not_of("0123456789", number) - number, "1e27");
  std::ofstream(m_folder / "report.json") << text;
  try {
    static_cast<void>(load_report(m_folder));
    ADD_FAILURE() << "it was read";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::bad_input);
    EXPECT_THAT(error.message(), testing::HasSubstr("out of range"));
  }
}

TEST(Recorder, KeepsStretchesOfWorkAndHowFarTheyWere) {
  Recorder recorder;
  const auto start = Recorder::Clock::now();
  recorder.see({"appliance", "starting", {}, {}}, start);
  recorder.see({"appliance", "inspecting", {}, {}}, start + 20s);
  recorder.see({"trial", "a line", ByteCount{1}, ByteCount{300}}, start + 30s);
  recorder.see({"trial", "another", ByteCount{2}, ByteCount{300}}, start + 31s);
  recorder.see(copying(0), start + 40s);
  recorder.see(copying(100), start + 41s);
  recorder.see(copying(101), start + 41010ms);  // too soon after the last
  recorder.see(copying(200), start + 42s);
  const model::ReportRun run = recorder.run("done");
  ASSERT_EQ(run.spans.size(), 4U);
  EXPECT_NEAR(run.spans[0].to - run.spans[0].from, 20, 0.5);
  EXPECT_EQ(run.spans[2].stage, "trial");
  EXPECT_EQ(run.spans[2].what, "");
  ASSERT_EQ(run.samples.size(), 3U);
  EXPECT_EQ(run.samples[2].done, 200U);
  EXPECT_EQ(run.ended, "done");
}

TEST(Recorder, ALongCopyIsKeptMoreCoarsely) {
  Recorder recorder;
  const auto start = Recorder::Clock::now();
  for (unsigned i = 0; i < 100000; ++i) {
    recorder.see(copying(i), start + i * 1s);
    recorder.see({"appliance", std::to_string(i), {}, {}}, start + i * 1s);
  }
  const model::ReportRun run = recorder.run("");
  EXPECT_LE(run.samples.size(), 1001U);
  EXPECT_GE(run.samples.size(), 400U);
  EXPECT_LE(run.spans.size(), 500U);
}

}  // namespace
}  // namespace vmconvert::job
