#include "report/html_batch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "html_checks.hpp"
#include "html_examples.hpp"

namespace vmconvert::report {
namespace {

using model::Milestone;
using model::Standing;
using testing::HasSubstr;
using testing::Not;

constexpr const char* k_batch_attack =
    "</td><script>alert(1)</script>\" onload='x' \x1b[2J \xff\u202e";
TEST(HtmlBatch, NothingHostileComesThrough) {
  const std::string page = batch_to_html(hostile_batch(k_batch_attack));
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, Not(HasSubstr("\x1b")));
  EXPECT_THAT(page, Not(HasSubstr("\u202e")));
  EXPECT_THAT(page, Not(HasSubstr("\" onload")));
  EXPECT_THAT(page, HasSubstr("&lt;script&gt;"));
}

TEST(HtmlBatch, IsAsEveryPage) {
  for (const BatchPage& page : {hostile_batch(k_batch_attack), BatchPage{}}) {
    const std::string html = batch_to_html(page);
    expect_self_contained(html);
    expect_well_formed(html);
    expect_can_be_heard(html);
  }
}

TEST(HtmlBatch, CountsWhatIsDoneLeftAndSaved) {
  const std::string page = batch_to_html(
      {"night", k_night, {converted_guest("web01"), converted_guest("web02"), waiting("db")}});
  EXPECT_THAT(page, HasSubstr("2 of 3 done; the others wait"));
  EXPECT_THAT(page, HasSubstr("<dd>4.0 GiB<small>of disks of 16.0 GiB</small>"));
  EXPECT_THAT(page, HasSubstr("<dd>12.0 GiB<small>free or zero</small>"));
  EXPECT_THAT(page, HasSubstr("<strong>10 min 00 s</strong> more")) << "12 GiB at 20.5 MiB/s";
  EXPECT_THAT(page, HasSubstr("guests, 4.0 GiB; about 4 min 00 s one after another"));
  EXPECT_THAT(page, HasSubstr("\">discovered</th><td>")) << page;
}

TEST(HtmlBatch, SaysWhereNothingWasMeasured) {
  const std::string page = batch_to_html({"night", k_night, {waiting("db")}});
  EXPECT_THAT(page, HasSubstr("No guest was copied yet"));
  EXPECT_THAT(page, HasSubstr("No work has begun."));
  EXPECT_THAT(page, HasSubstr("Its turn comes."));
}

TEST(HtmlBatch, PutsWhatNeedsSomebodyFirst) {
  BatchGuest failed = waiting("mail");
  failed.record.standing = Standing::failed;
  failed.record.error = "no room on vg0";
  const std::string page = batch_to_html({"night", k_night, {waiting("db"), failed}});
  EXPECT_LT(page.find("no room on vg0"), page.find("Its turn comes."));
  EXPECT_THAT(page, HasSubstr("1 failed; 0 of 2 done"));
  failed.record.standing = Standing::interrupted;
  EXPECT_THAT(batch_to_html({"night", k_night, {failed}}),
              HasSubstr("1 stopped in the middle and can go on; 0 of 1 done"));
}

TEST(HtmlBatch, OfWhatIsFinishedHasNothingLeft) {
  const std::string page = batch_to_html({"night", k_night, {converted_guest("web01")}});
  EXPECT_THAT(page, HasSubstr("All done: 1 of 1 converted"));
  EXPECT_THAT(page, HasSubstr("Nothing: no guest of this batch waits"));
}

TEST(HtmlBatch, DrawsEachTimeThatItWorkedByItself) {
  BatchGuest later = converted_guest("web02");
  later.runs.front().run.began = later.record.started = k_night + 86400;
  BatchGuest again = converted_guest("web01");
  again.runs.front().run.ended = "interrupted";
  again.runs.push_back(converted_guest("web01").runs.front());
  again.runs.back().run.began = k_night + 600;
  const std::string page = batch_to_html({"night", k_night, {again, later}});
  EXPECT_THAT(page, HasSubstr("<title id=\"bt-1\">Time line 1: 1 guest(s)"));
  EXPECT_THAT(page, HasSubstr("<title id=\"bt-2\">Time line 2: 1 guest(s)"));
  EXPECT_THAT(page, Not(HasSubstr("bt-3")));
  EXPECT_THAT(page, HasSubstr(">interrupted</text>"));
}

TEST(HtmlBatch, MarksATrialOfWhichNoRecordIsLeft) {
  BatchGuest guest = waiting("db");
  reach(guest.record, Milestone::tried, k_night - 86400 * 7);
  const std::string page = batch_to_html({"night", k_night, {guest}});
  EXPECT_THAT(page, HasSubstr("<title>its trial ended"));
  EXPECT_THAT(page, HasSubstr("It was tried; its cutover is still to come."));
}

}  // namespace
}  // namespace vmconvert::report
