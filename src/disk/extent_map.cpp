#include "disk/extent_map.hpp"

#include <algorithm>
#include <limits>

namespace vmconvert::disk {
namespace {

using model::ByteRange;
using model::Extent;
using model::ExtentKind;

// Ascending and disjoint: overlapping and touching ones joined, empty ones gone.
std::vector<ByteRange> in_order(std::vector<ByteRange> ranges) {
  const auto by_offset = [](const ByteRange& a, const ByteRange& b) { return a.offset < b.offset; };
  if (!std::is_sorted(ranges.begin(), ranges.end(), by_offset)) {
    std::sort(ranges.begin(), ranges.end(), by_offset);
  }
  std::size_t kept = 0;
  for (const ByteRange& range : ranges) {
    if (range.length.value == 0) {
      continue;
    }
    if (kept > 0 && range.offset.value <= end_of(ranges[kept - 1])) {
      const std::uint64_t end = std::max(end_of(ranges[kept - 1]), end_of(range));
      ranges[kept - 1].length = ByteCount{end - ranges[kept - 1].offset.value};
    } else {
      ranges[kept++] = range;
    }
  }
  ranges.resize(kept);
  return ranges;
}

void push(std::vector<Extent>& extents, std::uint64_t start, std::uint64_t end, ExtentKind kind) {
  if (start >= end) {
    return;
  }
  if (!extents.empty() && extents.back().kind == kind) {
    extents.back().length = ByteCount{end - extents.back().offset.value};
  } else {
    extents.push_back({ByteCount{start}, ByteCount{end - start}, kind});
  }
}

// The first one that ends after `offset`.
std::vector<ByteRange>::const_iterator first_after(const std::vector<ByteRange>& ranges,
                                                   std::uint64_t offset) {
  return std::partition_point(ranges.begin(), ranges.end(),
                              [&](const ByteRange& range) { return end_of(range) <= offset; });
}

}  // namespace

std::vector<Extent> without_free(const std::vector<Extent>& extents,
                                 const std::vector<ByteRange>& free) {
  const std::vector<ByteRange> sorted = in_order(free);
  std::vector<Extent> made;
  made.reserve(extents.size() + 2 * sorted.size());
  auto next = sorted.begin();
  for (const Extent& extent : extents) {
    std::uint64_t at = extent.offset.value;
    const std::uint64_t end = at + extent.length.value;
    while (extent.kind == ExtentKind::needed && at < end) {
      while (next != sorted.end() && end_of(*next) <= at) {
        ++next;
      }
      if (next == sorted.end() || next->offset.value >= end) {
        break;
      }
      const std::uint64_t start = std::max(at, next->offset.value);
      const std::uint64_t stop = std::min(end, end_of(*next));
      push(made, at, start, ExtentKind::needed);
      push(made, start, stop, ExtentKind::skipped);
      at = stop;
    }
    push(made, at, end, extent.kind);
  }
  return made;
}

std::vector<ByteRange> on_target(const model::TargetDisk& disk, std::size_t source_index,
                                 const std::vector<ByteRange>& ranges) {
  const std::vector<ByteRange> sorted = in_order(ranges);
  std::vector<ByteRange> made;
  std::uint64_t target = 0;
  for (const model::Segment& segment : disk.segments) {
    if (segment.kind == model::SegmentKind::source && segment.source == source_index) {
      const std::uint64_t from = segment.offset.value;
      const std::uint64_t to = from + segment.length.value;
      for (auto range = first_after(sorted, from);
           range != sorted.end() && range->offset.value < to; ++range) {
        const std::uint64_t start = std::max(from, range->offset.value);
        const std::uint64_t end = std::min(to, end_of(*range));
        made.push_back({ByteCount{target + (start - from)}, ByteCount{end - start}});
      }
    }
    target += segment.length.value;
  }
  return in_order(std::move(made));
}

}  // namespace vmconvert::disk
