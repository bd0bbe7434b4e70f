// Sizes and offsets as types. Converted by name, with overflow checks.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace vmconvert {

inline constexpr std::uint64_t k_sector_size = 512;
inline constexpr std::uint64_t k_kib = 1024;
inline constexpr std::uint64_t k_mib = 1024 * k_kib;
inline constexpr std::uint64_t k_gib = 1024 * k_mib;

// A number of bytes, or a byte offset.
struct ByteCount {
  std::uint64_t value = 0;

  constexpr auto operator<=>(const ByteCount&) const = default;
};

// Throw Error(internal) when the result does not fit.
ByteCount operator+(ByteCount a, ByteCount b);
ByteCount operator-(ByteCount a, ByteCount b);
ByteCount from_sectors(std::uint64_t sectors);
ByteCount round_up(ByteCount size, ByteCount unit);

// "1.5 GiB (1610612736 bytes)" and "1.5 GiB".
std::string to_text_exact(ByteCount size);
std::string to_text(ByteCount size);

// "4 GiB", "512M", "1048576": bytes; nothing for other text.
std::optional<std::uint64_t> parse_size(std::string_view text);

}  // namespace vmconvert
