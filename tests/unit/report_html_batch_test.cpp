#include "report/html_batch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "html_checks.hpp"

namespace vmconvert::report {
namespace {

using model::Milestone;
using model::Standing;
using testing::HasSubstr;
using testing::Not;

constexpr const char* k_batch_attack =
    "</td><script>alert(1)</script>\" onload='x' \x1b[2J \xff\u202e";
constexpr std::int64_t k_night = 1795910400;
constexpr std::uint64_t k_gibibyte = 1ULL << 30U;

void reach(model::GuestRecord& record, Milestone milestone, std::int64_t at) {
  record.reached.at(static_cast<std::size_t>(milestone)) = at;
}

BatchGuest converted_guest(const std::string& name) {
  BatchGuest guest;
  guest.record.guest = name;
  guest.record.source = "/srv/" + name + ".xml";
  guest.record.standing = Standing::done;
  guest.record.job = "j-" + name;
  reach(guest.record, Milestone::discovered, k_night);
  reach(guest.record, Milestone::copied, k_night + 300);
  guest.record.started = k_night;
  guest.record.ended = k_night + 300;
  // 2 GiB in 100 s; six more were never read: 300 s saved.
  guest.record.measure = {ByteCount{2 * k_gibibyte}, 100, 40, ByteCount{8 * k_gibibyte},
                          ByteCount{6 * k_gibibyte}};
  guest.runs = {{"j-" + name,
                 {k_night,
                  300,
                  "converted",
                  {{"appliance", "", 0, 40}, {"copy", "vda", 60, 160}, {"verify", "vda", 160, 300}},
                  {}}}};
  return guest;
}

BatchGuest waiting(const std::string& name) {
  BatchGuest guest;
  guest.record.guest = name;
  guest.record.measure.size = ByteCount{4 * k_gibibyte};
  guest.seconds_left = 240;
  reach(guest.record, Milestone::discovered, k_night);
  return guest;
}

// Whatever a blueprint, a guest's error or a tampered record can bring in.
BatchPage hostile_batch() {
  BatchPage page;
  page.batch = k_batch_attack;
  page.now = k_night + 1000;
  for (const Standing standing : {Standing::waiting, Standing::running, Standing::failed,
                                  Standing::interrupted, Standing::done, Standing::closed}) {
    BatchGuest guest = converted_guest(k_batch_attack);
    guest.record.standing = standing;
    guest.record.batch = guest.record.group = guest.record.error = guest.record.source =
        k_batch_attack;
    guest.record.job = guest.record.progress.stage = guest.record.progress.what = k_batch_attack;
    guest.runs.front().job = guest.runs.front().run.ended = k_batch_attack;
    guest.runs.front().run.spans.push_back({k_batch_attack, k_batch_attack, 250, 260});
    page.guests.push_back(guest);
    guest.runs.clear();
    reach(guest.record, Milestone::tried, k_night - 600000);
    page.guests.push_back(guest);
  }
  return page;
}

TEST(HtmlBatch, NothingHostileComesThrough) {
  const std::string page = batch_to_html(hostile_batch());
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, Not(HasSubstr("\x1b")));
  EXPECT_THAT(page, Not(HasSubstr("\u202e")));
  EXPECT_THAT(page, Not(HasSubstr("\" onload")));
  EXPECT_THAT(page, HasSubstr("&lt;script&gt;"));
}

TEST(HtmlBatch, IsAsEveryPage) {
  for (const BatchPage& page : {hostile_batch(), BatchPage{}}) {
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
