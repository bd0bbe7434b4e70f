// Numbers in byte buffers; an access outside the buffer is our own bug and throws.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "base/error.hpp"

namespace vmconvert::disk {

inline std::span<const std::byte> slice(std::span<const std::byte> bytes, std::size_t offset,
                                        std::size_t length) {
  if (offset > bytes.size() || length > bytes.size() - offset) {
    throw Error(ErrorKind::internal, "reading outside a buffer");
  }
  return bytes.subspan(offset, length);
}

template <std::unsigned_integral T>
T load_le(std::span<const std::byte> bytes, std::size_t offset) {
  T value = 0;
  const auto part = slice(bytes, offset, sizeof(T));
  for (std::size_t i = sizeof(T); i > 0; --i) {
    value = static_cast<T>((static_cast<std::uint64_t>(value) << 8U) |
                           std::to_integer<std::uint8_t>(part[i - 1]));
  }
  return value;
}

template <std::unsigned_integral T>
void store_le(std::span<std::byte> bytes, std::size_t offset, T value) {
  static_cast<void>(slice(bytes, offset, sizeof(T)));
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    bytes[offset + i] = static_cast<std::byte>(static_cast<std::uint64_t>(value) >> (8 * i));
  }
}

template <std::unsigned_integral T>
void store_be(std::span<std::byte> bytes, std::size_t offset, T value) {
  static_cast<void>(slice(bytes, offset, sizeof(T)));
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    bytes[offset + sizeof(T) - 1 - i] =
        static_cast<std::byte>(static_cast<std::uint64_t>(value) >> (8 * i));
  }
}

inline bool has_text(std::span<const std::byte> bytes, std::size_t offset, std::string_view text) {
  return offset <= bytes.size() && text.size() <= bytes.size() - offset &&
         std::memcmp(bytes.data() + offset, text.data(), text.size()) == 0;
}

}  // namespace vmconvert::disk
