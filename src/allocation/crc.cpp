#include "allocation/crc.hpp"

#include <array>

namespace vmconvert::allocation {
namespace {

using Table = std::array<std::uint32_t, 256>;

constexpr Table make_table(std::uint32_t polynomial) {  // bits reversed
  Table table{};
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) {
      value = (value & 1U) != 0 ? (value >> 1U) ^ polynomial : value >> 1U;
    }
    table[i] = value;
  }
  return table;
}

constexpr Table k_crc32c = make_table(0x82f63b78);
constexpr Table k_crc32 = make_table(0xedb88320);

std::uint32_t feed(const Table& table, std::uint32_t crc, Bytes bytes) {
  for (const std::byte byte : bytes) {
    crc = table[(crc ^ std::to_integer<std::uint32_t>(byte)) & 0xffU] ^ (crc >> 8U);
  }
  return crc;
}

}  // namespace

std::uint32_t crc32c_without(Bytes bytes, std::size_t hole) {
  static constexpr std::array<std::byte, 4> k_zeros{};
  std::uint32_t crc = feed(k_crc32c, ~0U, slice(bytes, 0, hole));
  crc = feed(k_crc32c, crc, k_zeros);
  return ~feed(k_crc32c, crc, slice(bytes, hole + 4, bytes.size() - hole - 4));
}

std::uint32_t lvm_crc(Bytes bytes, std::uint32_t start) {
  return feed(k_crc32, start, bytes);
}

}  // namespace vmconvert::allocation
