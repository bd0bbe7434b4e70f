#include "report/html.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "html_checks.hpp"

namespace vmconvert::report {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* k_attack = "</pre><script>alert(1)</script>\" onload='x' \x1b[2J \xff\u202e";

// Whatever a guest, a description or a console can bring into a report.
ReportPage hostile() {
  ReportPage page;
  model::JobReport& report = page.report;
  report.job = report.guest = report.name = report.source = report.error = k_attack;
  report.kind = report.to = report.program = report.accelerator = k_attack;
  report.inside.os_name = report.inside.hostname = report.inside.root_device = k_attack;
  report.inside.kernels = {{k_attack, k_attack, k_attack, true}};
  report.inside.filesystems = {{"vda1", k_attack, k_attack, k_attack, ByteCount{1}, k_attack}};
  report.renames = {{k_attack, k_attack}};
  model::ReportDisk disk;
  disk.name = "vda";
  disk.size = 1U << 30U;
  disk.composed = true;
  disk.table = "mbr";
  disk.segments = {{"", 1048576}, {k_attack, (1U << 30U) - 1048576}};
  disk.partitions = {{1, ByteCount{1048576}, ByteCount{(1U << 30U) - 1048576}, 0x83, true, false}};
  disk.allocation = {{ByteCount{1048576}, ByteCount{1}, k_attack, false, k_attack, {}}};
  disk.cells = std::vector<model::ReportCell>(480, {1, 100, 900});
  disk.path = disk.checksum = k_attack;
  report.disks = {disk};
  report.edits = {{k_attack, k_attack, std::string("--- a\n+++ b\n@@ -1 +1 @@\n-x") + k_attack},
                  {"fstab", k_attack, k_attack}};
  report.findings = {{k_attack, model::Severity::warns, k_attack, k_attack, true}};
  report.boot_path = {{k_attack, true, k_attack}};
  report.trial = model::TrialOutcome{true, 5, k_attack, {k_attack}, k_attack};
  report.steps = {k_attack};
  report.xml_diff = std::string("--- a\n+++ b\n+") + k_attack;
  report.runs = {{0,
                  10,
                  k_attack,
                  {{k_attack, k_attack, 0, 5}, {"copy", "vda", 5, 10}},
                  {{"copy", k_attack, 1, 0, 9}, {"copy", k_attack, 2, 9, 9}}}};
  page.state = "done";
  page.console = std::string("booting\r\n") + k_attack + "\n";
  return page;
}

TEST(Html, EscapesWhatMeansSomething) {
  EXPECT_EQ(escape_html("a<b>&\"'"), "a&lt;b&gt;&amp;&quot;&#39;");
  EXPECT_EQ(escape_html("tab\tline\n"), "tab\tline\n");
  EXPECT_EQ(escape_html("\x1b[31m\x7f"), "\\x1b[31m\\x7f");
  EXPECT_EQ(escape_html("gr\xc3\xbc\xc3\x9f"), "grüß");
  EXPECT_EQ(escape_html("\xff\xc0\xaf\xed\xa0\x80"), "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(escape_html("\xe2\x82"), "\uFFFD\uFFFD");  // cut off
  EXPECT_EQ(escape_html("a\u202eb\xc2\x9b"),
            "a\uFFFDb\uFFFD");  // turns the direction; a C1 control
}

TEST(Html, NothingHostileComesThrough) {
  const std::string page = job_to_html(hostile());
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, Not(HasSubstr("\x1b")));
  EXPECT_THAT(page, Not(HasSubstr("\u202e")));
  EXPECT_THAT(page, Not(HasSubstr("\" onload")));
  EXPECT_THAT(page, HasSubstr("&lt;script&gt;"));
}

TEST(Html, NeedsNothingFromElsewhere) {
  expect_self_contained(job_to_html(hostile()));
}

TEST(Html, IsWellFormed) {
  expect_well_formed(job_to_html(hostile()));
}

TEST(Html, CanBeHeard) {
  expect_can_be_heard(job_to_html(hostile()));
}

TEST(Html, MarksTheLineThatProvesTheBoot) {
  ReportPage page = hostile();
  page.report.trial->evidence = "web01 login:";
  page.console = "web01 login: early\r\nnoise\r\nweb01 login:\r\n";
  EXPECT_THAT(job_to_html(page), HasSubstr("noise\n<mark>web01 login:</mark>"));
}

// A report is read from a file: no clock in it has to be one.
TEST(Html, EndsForNumbersThatCannotBe) {
  ReportPage page = hostile();
  page.report.runs = {{0,
                       1e308,
                       "",
                       {{"copy", "vda", -1e308, 1e308}},
                       {{"copy", "vda", -1e308, 0, 9}, {"copy", "vda", 1e308, 9, 9}}}};
  page.report.disks[0].size = 1;
  page.report.disks[0].partitions[0].length = ByteCount{~std::uint64_t{0} - 1048576};
  EXPECT_THAT(job_to_html(page), HasSubstr("</html>"));
}

TEST(Html, OfAnEmptyReportIsAPageToo) {
  EXPECT_THAT(job_to_html({}), HasSubstr("</html>"));
}

}  // namespace
}  // namespace vmconvert::report
