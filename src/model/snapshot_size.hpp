// How much a guest may write to a disk while a snapshot of that disk is read.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/units.hpp"

namespace vmconvert::model {

struct SnapshotSize {
  ByteCount bytes = {};  // for each disk; counts where there is no percentage
  unsigned percent = 0;  // of each disk; 1 to 100

  // For a disk of that size, rounded up to whole bytes.
  [[nodiscard]] ByteCount of(ByteCount disk) const;
  bool operator==(const SnapshotSize&) const = default;
};

// "10%", "4 GiB"; nothing for other text, for 0 and for more than 100 %.
std::optional<SnapshotSize> parse_snapshot_size(std::string_view text);
std::string to_text(const SnapshotSize& size);  // what parse_snapshot_size() reads

}  // namespace vmconvert::model
