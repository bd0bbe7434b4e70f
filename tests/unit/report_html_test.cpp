#include "report/html.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "html_checks.hpp"
#include "html_examples.hpp"

namespace vmconvert::report {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* k_attack = "</pre><script>alert(1)</script>\" onload='x' \x1b[2J \xff\u202e";

TEST(Html, SaysWhatKindOfXenGuestItBecame) {
  ReportPage page;
  page.report.name = "web01";
  page.report.kind = page.report.new_kind = "pv";
  page.report.to = "xen";
  EXPECT_THAT(job_to_html(page), HasSubstr("Xen domain web01"));
  page.report.new_kind = "pvh";
  EXPECT_THAT(job_to_html(page), HasSubstr("Xen PVH domain web01"));
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
  const std::string page = job_to_html(hostile_job(k_attack));
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, Not(HasSubstr("\x1b")));
  EXPECT_THAT(page, Not(HasSubstr("\u202e")));
  EXPECT_THAT(page, Not(HasSubstr("\" onload")));
  EXPECT_THAT(page, HasSubstr("&lt;script&gt;"));
}

TEST(Html, NeedsNothingFromElsewhere) {
  expect_self_contained(job_to_html(hostile_job(k_attack)));
}

TEST(Html, IsWellFormed) {
  expect_well_formed(job_to_html(hostile_job(k_attack)));
}

TEST(Html, CanBeHeard) {
  expect_can_be_heard(job_to_html(hostile_job(k_attack)));
}

TEST(Html, MarksTheLineThatProvesTheBoot) {
  ReportPage page = hostile_job(k_attack);
  page.report.trial->evidence = "web01 login:";
  page.console = "web01 login: early\r\nnoise\r\nweb01 login:\r\n";
  EXPECT_THAT(job_to_html(page), HasSubstr("noise\n<mark>web01 login:</mark>"));
}

// A report is read from a file: no clock in it has to be one.
TEST(Html, EndsForNumbersThatCannotBe) {
  ReportPage page = hostile_job(k_attack);
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
