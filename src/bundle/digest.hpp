// SHA-256, by which everything in a bundle is named and checked: a bundle crosses the hands of
// others, so the checksum has to stand against somebody who means it. OpenSSL's uses the
// processor's own instructions.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace vmconvert::bundle {

using Digest = std::array<std::byte, 32>;

Digest sha256(std::span<const std::byte> bytes);
// Of a file's content and nothing else: 64 lower-case hexadecimal digits.
std::string to_hex(const Digest& digest);
std::optional<Digest> digest_from_hex(std::string_view hex);

inline std::span<const std::byte> as_bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}
inline std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace vmconvert::bundle
