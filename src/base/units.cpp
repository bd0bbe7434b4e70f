#include "base/units.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>

#include "base/error.hpp"
#include "base/text.hpp"

namespace vmconvert {

ByteCount operator+(ByteCount a, ByteCount b) {
  ByteCount sum;
  if (__builtin_add_overflow(a.value, b.value, &sum.value)) {
    throw Error(ErrorKind::internal, fmt::format("{} + {} bytes overflows", a.value, b.value));
  }
  return sum;
}

ByteCount operator-(ByteCount a, ByteCount b) {
  if (b.value > a.value) {
    throw Error(ErrorKind::internal, fmt::format("{} - {} bytes is negative", a.value, b.value));
  }
  return ByteCount{a.value - b.value};
}

ByteCount from_sectors(std::uint64_t sectors) {
  ByteCount bytes;
  if (__builtin_mul_overflow(sectors, k_sector_size, &bytes.value)) {
    throw Error(ErrorKind::internal, fmt::format("{} sectors overflow", sectors));
  }
  return bytes;
}

ByteCount round_up(ByteCount size, ByteCount unit) {
  const std::uint64_t rest = size.value % unit.value;
  return rest == 0 ? size : size + ByteCount{unit.value - rest};
}

std::string to_text(ByteCount size) {
  static constexpr std::array k_names = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  auto amount = static_cast<double>(size.value);
  std::size_t unit = 0;
  while (amount >= 1024 && unit + 1 < k_names.size()) {
    amount /= 1024;
    ++unit;
  }
  return unit == 0 ? fmt::format("{} bytes", size.value)
                   : fmt::format("{:.1f} {}", amount, k_names[unit]);
}

std::string to_text_exact(ByteCount size) {
  return size.value < k_kib ? to_text(size)
                            : fmt::format("{} ({} bytes)", to_text(size), size.value);
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  text = trim(text);
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) {
    return std::nullopt;
  }
  std::string_view unit = trim({end, static_cast<std::size_t>(text.data() + text.size() - end)});
  for (const std::string_view tail : {std::string_view("iB"), std::string_view("B")}) {
    if (unit.size() > tail.size() && unit.ends_with(tail)) {
      unit.remove_suffix(tail.size());
      break;
    }
  }
  constexpr std::string_view k_units = "KMGT";
  std::uint64_t factor = 1;
  if (!unit.empty()) {
    const auto place = unit.size() == 1 ? k_units.find(unit.front()) : std::string_view::npos;
    if (place == std::string_view::npos) {
      return std::nullopt;
    }
    factor = 1ULL << (10 * (place + 1));
  }
  if (number > UINT64_MAX / factor) {
    return std::nullopt;
  }
  return number * factor;
}

}  // namespace vmconvert
