#include "model/snapshot_size.hpp"

#include <fmt/format.h>

#include "base/text.hpp"

namespace vmconvert::model {

ByteCount SnapshotSize::of(ByteCount disk) const {
  // In two parts: a disk of 2 EiB times 100 would not fit.
  return percent == 0
             ? bytes
             : ByteCount{disk.value / 100 * percent + (disk.value % 100 * percent + 99) / 100};
}

std::optional<SnapshotSize> parse_snapshot_size(std::string_view text) {
  text = trim(text);
  if (text.ends_with('%')) {
    text.remove_suffix(1);
    const auto percent = parse_number(trim(text));
    return percent && *percent >= 1 && *percent <= 100
               ? std::optional(SnapshotSize{{}, static_cast<unsigned>(*percent)})
               : std::nullopt;
  }
  const auto bytes = parse_size(text);
  return bytes && *bytes > 0 ? std::optional(SnapshotSize{{*bytes}, 0}) : std::nullopt;
}

std::string to_text(const SnapshotSize& size) {
  return size.percent == 0 ? fmt::format("{}", size.bytes.value) : fmt::format("{}%", size.percent);
}

}  // namespace vmconvert::model
