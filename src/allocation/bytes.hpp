// Numbers in byte buffers, in either order. A read outside the buffer throws: what a disk says
// about lengths is checked before, so that is our own bug, and harmless.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "base/error.hpp"

namespace vmconvert::allocation {

using Bytes = std::span<const std::byte>;

inline Bytes slice(Bytes bytes, std::size_t offset, std::size_t length) {
  if (offset > bytes.size() || length > bytes.size() - offset) {
    throw Error(ErrorKind::internal, "reading outside a buffer");
  }
  return bytes.subspan(offset, length);
}

template <std::unsigned_integral T>
T load_le(Bytes bytes, std::size_t offset) {
  const Bytes part = slice(bytes, offset, sizeof(T));
  T value = 0;
  for (std::size_t i = sizeof(T); i > 0; --i) {
    value = static_cast<T>((static_cast<std::uint64_t>(value) << 8U) |
                           std::to_integer<std::uint8_t>(part[i - 1]));
  }
  return value;
}

template <std::unsigned_integral T>
T load_be(Bytes bytes, std::size_t offset) {
  const Bytes part = slice(bytes, offset, sizeof(T));
  T value = 0;
  for (const std::byte byte : part) {
    value = static_cast<T>((static_cast<std::uint64_t>(value) << 8U) |
                           std::to_integer<std::uint8_t>(byte));
  }
  return value;
}

inline bool has_text(Bytes bytes, std::size_t offset, std::string_view text) {
  return offset <= bytes.size() && text.size() <= bytes.size() - offset &&
         std::memcmp(bytes.data() + offset, text.data(), text.size()) == 0;
}

inline bool has_bytes(Bytes bytes, std::size_t offset, Bytes wanted) {
  return offset <= bytes.size() && wanted.size() <= bytes.size() - offset &&
         std::memcmp(bytes.data() + offset, wanted.data(), wanted.size()) == 0;
}

}  // namespace vmconvert::allocation
