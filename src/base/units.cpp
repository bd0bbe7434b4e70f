#include "base/units.hpp"

#include <fmt/format.h>

#include <array>

#include "base/error.hpp"

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

}  // namespace vmconvert
