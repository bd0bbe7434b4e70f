// Where the bytes of a target disk come from: the one list that decides what is copied.
#pragma once

#include <cstdint>
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
