#include "model/snapshot_size.hpp"

#include <gtest/gtest.h>

namespace vmconvert::model {
namespace {

TEST(SnapshotSize, IsAPercentageOrASize) {
  EXPECT_EQ(parse_snapshot_size("10%"), (SnapshotSize{{}, 10}));
  EXPECT_EQ(parse_snapshot_size(" 100 % "), (SnapshotSize{{}, 100}));
  EXPECT_EQ(parse_snapshot_size("4 GiB"), (SnapshotSize{{4 * k_gib}, 0}));
  EXPECT_EQ(parse_snapshot_size("512M"), (SnapshotSize{{512 * k_mib}, 0}));
  for (const char* bad : {"", "%", "0%", "101%", "-1%", "1.5%", "0", "0M", "ten", "10%%",
                          "10 percent", "99999999999999999999%"}) {
    EXPECT_FALSE(parse_snapshot_size(bad)) << bad;
  }
  for (const char* text : {"7%", "12345"}) {
    EXPECT_EQ(to_text(parse_snapshot_size(text).value()), text);
  }
}

TEST(SnapshotSize, IsRoundedUp) {
  EXPECT_EQ(SnapshotSize({{}, 10}).of({101}).value, 11U);
  EXPECT_EQ(SnapshotSize({{}, 100}).of({512}).value, 512U);
  EXPECT_EQ(SnapshotSize({{}, 100}).of({UINT64_MAX}).value, UINT64_MAX);
  EXPECT_EQ(SnapshotSize({{k_mib}, 0}).of({512}).value, k_mib);
}

}  // namespace
}  // namespace vmconvert::model
