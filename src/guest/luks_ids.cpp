#include "guest/luks_ids.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/units.hpp"

namespace vmconvert::guest {
namespace {

constexpr std::size_t k_luks_page = 4096;
constexpr std::string_view k_luks_magic = "LUKS\xba\xbe";
constexpr std::string_view k_luks_second_magic = "SKUL\xba\xbe";
constexpr std::size_t k_uuid_at = 168;
constexpr std::size_t k_uuid_length = 40;
constexpr std::size_t k_checksum_at = 448;
constexpr std::size_t k_checksum_field = 64;
constexpr std::size_t k_checksum_length = 32;  // of SHA-256

struct LuksHeader {
  std::uint64_t at = 0;
  std::string bytes;  // whole, as far as its checksum goes
};

// Highest byte first, unlike all else on a PC's disks.
std::uint64_t big_endian_at(std::string_view bytes, std::size_t at, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i) {
    value = value << 8U | static_cast<unsigned char>(bytes[at + i]);
  }
  return value;
}

std::string text_at(std::string_view bytes, std::size_t at, std::size_t room) {
  const std::string_view field = bytes.substr(at, room);
  return std::string(field.substr(0, field.find('\0')));
}

std::string checksum_of(std::string header) {
  header.replace(k_checksum_at, k_checksum_field, k_checksum_field, '\0');
  std::array<unsigned char, k_checksum_length> digest{};
  unsigned length = 0;
  if (EVP_Digest(header.data(), header.size(), digest.data(), &length, EVP_sha256(), nullptr) !=
          1 ||
      length != digest.size()) {
    throw Error(ErrorKind::internal, "computing a SHA-256 failed");
  }
  return {digest.begin(), digest.end()};
}

// Both headers of LUKS2 have a checksum over the whole of themselves.
std::optional<LuksHeader> read_second_version(GuestRoot& guest, const std::string& device,
                                              std::uint64_t at, std::string_view magic) {
  constexpr std::uint64_t k_smallest = 16 * k_kib;
  constexpr std::uint64_t k_largest = 4 * k_mib;
  LuksHeader header{at, guest.read_disk(device, at, k_luks_page)};
  if (!header.bytes.starts_with(magic) || big_endian_at(header.bytes, 6, 2) != 2) {
    return std::nullopt;
  }
  const std::uint64_t size = big_endian_at(header.bytes, 8, 8);
  if (size < k_smallest || size > k_largest || size % k_luks_page != 0 ||
      big_endian_at(header.bytes, 256, 8) != at || text_at(header.bytes, 72, 32) != "sha256") {
    return std::nullopt;
  }
  header.bytes += guest.read_disk(device, at + k_luks_page, size - k_luks_page);
  return header.bytes.compare(k_checksum_at, k_checksum_length, checksum_of(header.bytes)) == 0
             ? std::optional(header)
             : std::nullopt;
}

// Empty: none that can be read in full.
std::vector<LuksHeader> read_headers(GuestRoot& guest, const std::string& device) {
  LuksHeader only{0, guest.read_disk(device, 0, k_luks_page)};  // a page: cheap to write back
  if (only.bytes.starts_with(k_luks_magic) && big_endian_at(only.bytes, 6, 2) == 1) {
    return {std::move(only)};
  }
  auto first = read_second_version(guest, device, 0, k_luks_magic);
  if (!first) {
    return {};
  }
  auto second = read_second_version(guest, device, first->bytes.size(), k_luks_second_magic);
  return second ? std::vector<LuksHeader>{std::move(*first), std::move(*second)}
                : std::vector<LuksHeader>{};
}

// All say the same, or there is none.
std::optional<std::string> id_of(const std::vector<LuksHeader>& headers) {
  std::optional<std::string> id;
  for (const LuksHeader& header : headers) {
    std::string text = text_at(header.bytes, k_uuid_at, k_uuid_length);
    if (text.empty() || (id && *id != text)) {
      return std::nullopt;
    }
    id = std::move(text);
  }
  return id;
}

}  // namespace

std::optional<std::string> read_luks_id(GuestRoot& guest, const std::string& device) {
  return id_of(read_headers(guest, device));
}

bool set_luks_id(GuestRoot& guest, const std::string& device, const std::string& from,
                 const std::string& to) {
  std::vector<LuksHeader> headers = read_headers(guest, device);
  if (id_of(headers) != from || to.size() != from.size()) {
    return false;
  }
  for (LuksHeader& header : headers) {
    header.bytes.replace(k_uuid_at, to.size(), to);
    if (headers.size() > 1) {
      header.bytes.replace(k_checksum_at, k_checksum_length, checksum_of(header.bytes));
    }
  }
  // The second one first: whatever stops this, one of the two is whole.
  std::for_each(headers.rbegin(), headers.rend(), [&](const LuksHeader& header) {
    guest.write_disk(device, header.at, header.bytes);
  });
  return true;
}

}  // namespace vmconvert::guest
