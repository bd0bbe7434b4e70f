#include <gtest/gtest.h>

#include "report/html_parts.hpp"

namespace vmconvert::report {
namespace {

TEST(HtmlLabel, IsWholeWhereThereIsRoom) {
  EXPECT_EQ(fit_label("web01", 100, 12, Cut::back), "web01");
  EXPECT_EQ(fit_label("", 0, 12, Cut::back), "");
}

TEST(HtmlLabel, LosesTheEndThatIsToldToGo) {
  EXPECT_EQ(fit_label("/dev/vg0/web01-disk", 100, 13, Cut::front), "…web01-disk");
  EXPECT_EQ(fit_label("/dev/vg0/web01-disk", 100, 13, Cut::back), "/dev/vg0/w…");
}

TEST(HtmlLabel, IsLeftOutWhereOnlyALetterWouldFit) {
  EXPECT_EQ(fit_label("/dev/vg0/web01-disk", 30, 13, Cut::front), "");
}

TEST(HtmlLabel, WideLettersTakeMoreRoom) {
  const std::string narrow(40, 'i');
  const std::string wide(40, 'W');
  EXPECT_EQ(fit_label(narrow, 240, 13, Cut::back), narrow);
  EXPECT_EQ(fit_label(wide, 240, 13, Cut::back), std::string(17, 'W') + "…");
}

TEST(HtmlLabel, IsCutBetweenCharacters) {
  std::string text;
  for (int i = 0; i < 40; ++i) {
    text += "資";
  }
  const std::string end = fit_label(text, 100, 13, Cut::front);
  ASSERT_EQ(end.substr(0, 3), "…");
  EXPECT_EQ(end.size() % 3, 0U);
  EXPECT_EQ(end.substr(3, 3), "資");
  EXPECT_EQ(fit_label(text, 100, 13, Cut::back).substr(0, 3), "資");
}

TEST(HtmlLabel, DoesNotGrowUpwards) {
  std::string text = "a";
  for (int i = 0; i < 200; ++i) {
    text += "\u0300";
  }
  EXPECT_EQ(fit_label(text + "b", 100, 13, Cut::back), "a\u0300\u0300b");
}

TEST(HtmlLabel, TakesWhatIsNoText) {
  EXPECT_EQ(fit_label("\xff\xc0", 100, 13, Cut::back), "\xff\xc0");
  EXPECT_EQ(fit_label(std::string(100, '\x1b'), 100, 13, Cut::back), "\x1b…");
}

TEST(StageClass, IsOfKnownStagesOnly) {
  EXPECT_EQ(stage_class("copy"), "st st-copy");
  EXPECT_EQ(stage_class("copy console\" x"), "st");
}

}  // namespace
}  // namespace vmconvert::report
