#include "disk/extent_map.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>
#include <random>

#include "unit/disk_scratch.hpp"

namespace vmconvert::disk {
namespace {

using model::ByteRange;
using model::Extent;
using model::ExtentKind;
using testing::ElementsAre;

ByteRange range(std::uint64_t offset, std::uint64_t length) {
  return {ByteCount{offset}, ByteCount{length}};
}
constexpr ExtentKind k_patched = ExtentKind::patched;
constexpr ExtentKind k_needed = ExtentKind::needed;
constexpr ExtentKind k_skipped = ExtentKind::skipped;

TEST(WithoutFree, TakesFreeBytesOffNeededOnes) {
  EXPECT_THAT(
      without_free({extent(0, 100, k_needed)}, {range(20, 30)}),
      ElementsAre(extent(0, 20, k_needed), extent(20, 30, k_skipped), extent(50, 50, k_needed)));
}

TEST(WithoutFree, LeavesPatchedOnesAlone) {
  EXPECT_THAT(
      without_free({extent(0, 10, k_needed), extent(10, 10, k_patched), extent(20, 10, k_needed)},
                   {range(5, 20)}),
      ElementsAre(extent(0, 5, k_needed), extent(5, 5, k_skipped), extent(10, 10, k_patched),
                  extent(20, 5, k_skipped), extent(25, 5, k_needed)));
}

TEST(WithoutFree, JoinsNeighboursOfOneKind) {
  EXPECT_THAT(
      without_free({extent(0, 10, k_needed), extent(10, 10, k_skipped), extent(20, 10, k_needed)},
                   {range(8, 2), range(20, 3), range(23, 2)}),
      ElementsAre(extent(0, 8, k_needed), extent(8, 17, k_skipped), extent(25, 5, k_needed)));
}

TEST(WithoutFree, TakesAnyOrderAndAnyRange) {
  const std::vector<Extent> extents = {extent(100, 100, k_needed)};
  EXPECT_EQ(without_free(extents, {}), extents);
  EXPECT_EQ(without_free(extents, {range(0, 100), range(200, 5), range(150, 0)}), extents);
  EXPECT_THAT(without_free(extents, {range(180, ~0ULL), range(0, 110), range(105, 10)}),
              ElementsAre(extent(100, 15, k_skipped), extent(115, 65, k_needed),
                          extent(180, 20, k_skipped)));
  EXPECT_TRUE(without_free({}, {range(0, 5)}).empty());
}

// Byte by byte, on small random lists.
TEST(WithoutFree, AgreesWithTheSlowWay) {
  std::mt19937 random(5);
  for (int round = 0; round < 500; ++round) {
    std::vector<Extent> extents;
    std::vector<ExtentKind> wanted;
    while (wanted.size() < 200) {
      const std::uint64_t length = 1 + random() % 20;
      extents.push_back(extent(wanted.size(), length, static_cast<ExtentKind>(random() % 3)));
      wanted.insert(wanted.end(), length, extents.back().kind);
    }
    std::vector<ByteRange> free;
    for (unsigned i = 0; i < random() % 12; ++i) {
      free.push_back(range(random() % 220, random() % 30));
      for (std::uint64_t at = free.back().offset.value;
           at < std::min<std::uint64_t>(wanted.size(),
                                        free.back().offset.value + free.back().length.value);
           ++at) {
        wanted[at] = wanted[at] == k_needed ? k_skipped : wanted[at];
      }
    }
    std::vector<ExtentKind> got;
    ExtentKind before = k_patched;
    for (const Extent& made : without_free(extents, free)) {
      ASSERT_EQ(made.offset.value, got.size());
      ASSERT_GT(made.length.value, 0U);
      ASSERT_TRUE(got.empty() || made.kind != before);
      before = made.kind;
      got.insert(got.end(), made.length.value, made.kind);
    }
    ASSERT_EQ(got, wanted);
  }
}

model::Segment source(std::uint64_t length, std::size_t index, std::uint64_t offset) {
  return {model::SegmentKind::source, ByteCount{length}, index, ByteCount{offset}};
}

TEST(OnTarget, FollowsTheSegmentsOfOneSource) {
  model::TargetDisk disk;
  disk.segments = {{model::SegmentKind::table, ByteCount{1000}},
                   source(500, 0, 0),
                   {model::SegmentKind::zero, ByteCount{100}},
                   source(300, 1, 50),
                   source(200, 0, 400)};
  EXPECT_THAT(on_target(disk, 0, {range(450, 1000), range(10, 20)}),
              ElementsAre(range(1010, 20), range(1450, 50), range(1950, 150)));
  EXPECT_THAT(on_target(disk, 1, {range(0, 60), range(340, 100)}),
              ElementsAre(range(1600, 10), range(1890, 10)));
  EXPECT_TRUE(on_target(disk, 2, {range(0, 60)}).empty());
  EXPECT_TRUE(on_target(disk, 1, {range(0, 50), range(350, 50)}).empty());
}

TEST(ExtentMap, TakesAMillionRanges) {
  constexpr std::uint64_t k_count = 1'000'000;
  model::TargetDisk disk;
  disk.segments = {{model::SegmentKind::table, ByteCount{k_mib}}, source(k_count << 17U, 0, 0)};
  std::vector<ByteRange> free;
  for (std::uint64_t i = 0; i < k_count; ++i) {
    free.push_back(range(i << 17U, 1U << 16U));
  }
  const std::clock_t start = std::clock();
  const std::vector<Extent> extents =
      without_free({extent(0, k_mib + (k_count << 17U), k_needed)}, on_target(disk, 0, free));
  // Processor time, and much of it: that it grows with the count, not its square, is meant.
  const double took = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  EXPECT_EQ(extents.size(), 2 * k_count + 1);
  EXPECT_LT(took, 30.0);  // 0.1 s usually, 1 s with sanitizers
  RecordProperty("milliseconds", static_cast<int>(took * 1000));
}

}  // namespace
}  // namespace vmconvert::disk
