#include "base/diff.hpp"

#include <gtest/gtest.h>

namespace vmconvert {
namespace {

TEST(UnifiedDiff, IsEmptyForEqualTexts) {
  EXPECT_EQ(unified_diff("a", "x\n", "b", "x\n"), "");
}

TEST(UnifiedDiff, ShowsOneChangedLineWithContext) {
  EXPECT_EQ(
      unified_diff("a/f", "1\n2\n3\n4\n5\n6\n7\n8\n9\n", "b/f", "1\n2\n3\n4\nfive\n6\n7\n8\n9\n"),
      "--- a/f\n+++ b/f\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n");
}

TEST(UnifiedDiff, SplitsFarChangesIntoHunksWithRightNumbers) {
  std::string old_text;
  std::string new_text;
  for (int i = 1; i <= 30; ++i) {
    old_text += std::to_string(i) + "\n";
    new_text += i == 2 ? "two\nand a half\n" : i == 25 ? "" : std::to_string(i) + "\n";
  }
  const std::string diff = unified_diff("a", old_text, "b", new_text);
  EXPECT_NE(diff.find("@@ -1,5 +1,6 @@"), std::string::npos) << diff;
  EXPECT_NE(diff.find("@@ -22,7 +23,6 @@"), std::string::npos) << diff;
}

TEST(UnifiedDiff, ShowsNewFilesAndEscapesControlCharacters) {
  EXPECT_EQ(unified_diff("/dev/null", "", "b/x", "\x1b[31m\n"),
            "--- /dev/null\n+++ b/x\n@@ -0,0 +1,1 @@\n+\\x1b[31m\n");
}

TEST(UnifiedDiff, SaysWhenTheLastNewlineIsMissing) {
  EXPECT_NE(unified_diff("a", "x", "b", "x\n").find("\\ No newline at end of file"),
            std::string::npos);
}

}  // namespace
}  // namespace vmconvert
