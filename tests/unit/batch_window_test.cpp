// Times of the week, with the clock given.
#include "batch/window.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

namespace vmconvert::batch {
namespace {

class WindowTest : public testing::Test {
 protected:
  WindowTest() {
    ::setenv("TZ", "Europe/Berlin", 1);
    ::tzset();
  }
  ~WindowTest() override {
    ::unsetenv("TZ");
    ::tzset();
  }
  // 2026-11-23 is a Monday.
  static std::int64_t at(int month, int day, int hour, int minute) {
    std::tm time{};
    time.tm_year = 126;
    time.tm_mon = month - 1;
    time.tm_mday = day;
    time.tm_hour = hour;
    time.tm_min = minute;
    time.tm_isdst = -1;
    return std::mktime(&time);
  }
  static Window window(const char* text) { return Window::parse(text).value(); }
};

TEST_F(WindowTest, RefusesWhatIsNoTime) {
  for (const char* text : {"", "22:00", "22-05", "25:00-26:00", "Mon 1:0-2:0", "Foo 22:00-05:00",
                           "22:00-05:60", "Mon-Fri-Sat 22:00-05:00", "Mon 22:00-05:00 x",
                           "05:00-05:00", "24:00-05:00", "22:00-24:01", "-22:00-05:00"}) {
    EXPECT_FALSE(Window::parse(text)) << text;
  }
  EXPECT_TRUE(Window::parse("22:00-05:00"));
  EXPECT_TRUE(Window::parse("  sat,SUN 00:00-24:00 "));
}

TEST_F(WindowTest, ClosesAfterMidnight) {
  const Window night = window("Mon-Fri 22:00-05:00");
  EXPECT_FALSE(night.seconds_left(at(11, 23, 21, 59)));
  EXPECT_EQ(night.seconds_left(at(11, 23, 22, 0)), 7 * 3600);
  EXPECT_EQ(night.seconds_left(at(11, 24, 4, 59)), 60);
  EXPECT_FALSE(night.seconds_left(at(11, 24, 5, 0)));
  // Friday's goes on into Saturday; Saturday's own does not exist.
  EXPECT_EQ(night.seconds_left(at(11, 28, 1, 0)), 4 * 3600);
  EXPECT_FALSE(night.seconds_left(at(11, 28, 23, 0)));
}

TEST_F(WindowTest, KnowsWhenItOpensNext) {
  const Window night = window("Mon-Fri 22:00-05:00");
  EXPECT_EQ(night.next_opening(at(11, 23, 12, 0)), at(11, 23, 22, 0));
  EXPECT_EQ(night.next_opening(at(11, 23, 23, 0)), at(11, 23, 23, 0));
  EXPECT_EQ(night.next_opening(at(11, 28, 12, 0)), at(11, 30, 22, 0));  // Saturday noon: Monday
}

TEST_F(WindowTest, DaysThatMeetAreOneSpan) {
  EXPECT_EQ(window("Sat,Sun 00:00-24:00").seconds_left(at(11, 28, 12, 0)), 36 * 3600);
  const Windows two = {window("20:00-22:00"), window("22:00-23:00")};
  EXPECT_EQ(seconds_open(two, at(11, 23, 21, 0)), 2 * 3600);
}

TEST_F(WindowTest, TheNightOfTheClockChangeHasAnotherLength) {
  // 2026-10-25, 03:00 becomes 02:00.
  EXPECT_EQ(window("Sat 22:00-05:00").seconds_left(at(10, 24, 22, 0)), 8 * 3600);
}

TEST_F(WindowTest, WithoutWindowsAllTimesWill) {
  EXPECT_TRUE(seconds_open({}, 0));
  EXPECT_EQ(next_opening({}, 1234), 1234);
}

TEST_F(WindowTest, TheLowestRateThatAppliesCounts) {
  RateSchedule rates{100, {{window("08:00-18:00"), 20}, {window("Mon 12:00-13:00"), 5}}};
  EXPECT_EQ(rates.at(at(11, 23, 7, 0)), 100U);
  EXPECT_EQ(rates.at(at(11, 23, 9, 0)), 20U);
  EXPECT_EQ(rates.at(at(11, 23, 12, 30)), 5U);
  EXPECT_EQ(rates.at(at(11, 24, 12, 30)), 20U);
  rates.always = 0;
  EXPECT_EQ(rates.at(at(11, 23, 7, 0)), 0U);
  EXPECT_EQ(rates.at(at(11, 23, 9, 0)), 20U);
}

}  // namespace
}  // namespace vmconvert::batch
