// Little-endian numbers and GUIDs in texts of raw bytes.
#pragma once

#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace vmconvert::guest {

inline std::uint64_t number_at(std::string_view bytes, std::size_t at, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = size; i-- > 0;) {
    value = value << 8U | static_cast<unsigned char>(bytes[at + i]);
  }
  return value;
}

inline void put_number(std::string& bytes, std::size_t at, std::size_t size, std::uint64_t value) {
  for (std::size_t i = 0; i < size; ++i) {
    bytes[at + i] = static_cast<char>(value >> (8 * i));
  }
}

// Where the bytes of a GUID's text lie on disk: the first three groups are little-endian.
inline constexpr std::size_t k_guid_bytes = 16;
inline constexpr std::array<std::size_t, k_guid_bytes> k_guid_places = {
    3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};

inline std::string guid_text(std::string_view raw) {
  std::string text;
  for (std::size_t i = 0; i < k_guid_bytes; ++i) {
    text += fmt::format("{}{:02x}", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
                        static_cast<unsigned char>(raw[k_guid_places[i]]));
  }
  return text;
}

}  // namespace vmconvert::guest
