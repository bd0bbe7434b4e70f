#include "bundle/digest.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include "base/error.hpp"

namespace vmconvert::bundle {

Digest sha256(std::span<const std::byte> bytes) {
  Digest digest{};
  unsigned length = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(digest.data()),
                 &length, EVP_sha256(), nullptr) != 1 ||
      length != digest.size()) {
    throw Error(ErrorKind::internal, "computing a SHA-256 failed");
  }
  return digest;
}

std::string to_hex(const Digest& digest) {
  std::string text;
  for (const std::byte byte : digest) {
    text += fmt::format("{:02x}", std::to_integer<unsigned>(byte));
  }
  return text;
}

std::optional<Digest> digest_from_hex(std::string_view hex) {
  Digest digest{};
  if (hex.size() != 2 * digest.size()) {
    return std::nullopt;
  }
  for (std::size_t i = 0; i < hex.size(); ++i) {
    const char c = hex[i];
    unsigned value = 0;
    if (c >= '0' && c <= '9') {
      value = static_cast<unsigned>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      value = static_cast<unsigned>(c - 'a') + 10U;
    } else {
      return std::nullopt;
    }
    digest[i / 2] |= static_cast<std::byte>(value << (i % 2 == 0 ? 4U : 0U));
  }
  return digest;
}

}  // namespace vmconvert::bundle
