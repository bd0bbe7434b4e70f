// Where the bytes of a target disk come from: the one list that decides what is copied.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "base/units.hpp"

namespace vmconvert::model {

enum class ExtentKind {
  patched,  // changed by us: read from the overlay
  needed,   // unchanged: read from the layout's sources
  skipped,  // free, trimmed or zero: never read, reads as zeros on the target
};

struct Extent {
  ByteCount offset;
  ByteCount length;
  ExtentKind kind = ExtentKind::needed;

  bool operator==(const Extent&) const = default;
};

struct ByteRange {
  ByteCount offset;
  ByteCount length;

  bool operator==(const ByteRange&) const = default;
};
// The byte behind it; without overflow, whatever was read from somewhere.
constexpr std::uint64_t end_of(const ByteRange& range) {
  const std::uint64_t most = std::numeric_limits<std::uint64_t>::max() - range.offset.value;
  return range.offset.value + std::min(range.length.value, most);
}

// What a stretch of a source disk holds, and whether its own allocation map says what is free.
struct AllocationNote {
  ByteCount offset;     // on the source disk; of a volume in several pieces, its first one
  ByteCount length;     // of all its pieces
  std::string content;  // "ext4", "xfs", "swap", "LVM: vg/root ext4"; empty: not known
  bool by_map = false;
  std::string why;  // it was not: "its journal has to be replayed first"; empty when by_map
  ByteCount free;   // left out thanks to the map

  bool operator==(const AllocationNote&) const = default;
};

struct ExtentTotals {
  ByteCount patched;
  ByteCount needed;
  ByteCount skipped;
};

ExtentTotals totals(const std::vector<Extent>& extents);

// What became of one disk.
struct DiskResult {
  std::string target;  // vda
  std::string source;  // path, or paths joined by ", "
  std::string path;    // the image that was written; empty while nothing is
  ByteCount size;
  ByteCount read;
  ByteCount written;
  ByteCount skipped;
  std::string checksum;  // "xxh3-128:HEX" over the whole disk content; empty while unknown
};

}  // namespace vmconvert::model
