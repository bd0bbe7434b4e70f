// Offsets: Microsoft's FAT specification 1.03, "Boot Sector and BPB". A byte of 0x29 says that the
// ID follows.
#include "guest/fat_ids.hpp"

#include <fmt/format.h>

#include <charconv>

#include "base/units.hpp"

namespace vmconvert::guest {
namespace {

constexpr std::size_t k_sectors_per_fat16 = 22;  // 0 in FAT32
constexpr std::size_t k_copy_at = 50;            // the sector of the copy, FAT32 only
constexpr std::size_t k_id_at_16 = 39;
constexpr std::size_t k_id_at_32 = 67;
constexpr char k_id_follows = '\x29';

unsigned number_at(std::string_view bytes, std::size_t at, std::size_t size) {
  unsigned value = 0;
  for (std::size_t i = size; i-- > 0;) {
    value = value << 8U | static_cast<unsigned char>(bytes[at + i]);
  }
  return value;
}

struct FatSector {
  std::size_t id_at = 0;
  unsigned copy = 0;  // its sector; 0: none
};

std::optional<FatSector> read_sector(std::string_view sector) {
  const bool boot_sector = sector.size() == k_sector_size && sector.ends_with("\x55\xaa") &&
                           (sector[0] == '\xeb' || sector[0] == '\xe9');
  if (!boot_sector) {
    return std::nullopt;
  }
  FatSector found{k_id_at_16, 0};
  if (number_at(sector, k_sectors_per_fat16, 2) == 0) {
    found = {k_id_at_32, number_at(sector, k_copy_at, 2)};
  }
  return sector[found.id_at - 1] == k_id_follows ? std::optional(found) : std::nullopt;
}

std::string text_of_id(std::string_view sector, std::size_t at) {
  return fmt::format("{:04X}-{:04X}", number_at(sector, at + 2, 2), number_at(sector, at, 2));
}

std::optional<std::string> bytes_of_id(std::string_view text) {
  if (text.size() != 9 || text[4] != '-') {
    return std::nullopt;
  }
  const std::string digits = std::string(text.substr(0, 4)) + std::string(text.substr(5));
  std::uint32_t value = 0;
  const auto end = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  if (end.ec != std::errc() || end.ptr != digits.data() + digits.size()) {
    return std::nullopt;
  }
  std::string bytes;
  for (unsigned shift = 0; shift < 32; shift += 8) {
    bytes += static_cast<char>(value >> shift);
  }
  return bytes;
}

}  // namespace

std::optional<std::string> read_fat_id(GuestRoot& guest, const std::string& device) {
  const std::string sector = guest.read_disk(device, 0, k_sector_size);
  const auto found = read_sector(sector);
  return found ? std::optional(text_of_id(sector, found->id_at)) : std::nullopt;
}

bool set_fat_id(GuestRoot& guest, const std::string& device, std::string_view from,
                std::string_view to) {
  const std::string sector = guest.read_disk(device, 0, k_sector_size);
  const auto found = read_sector(sector);
  const auto bytes = bytes_of_id(to);
  if (!found || !bytes || text_of_id(sector, found->id_at) != from) {
    return false;
  }
  guest.write_disk(device, found->id_at, *bytes);
  if (found->copy != 0) {
    const std::uint64_t start = std::uint64_t{found->copy} * k_sector_size;
    const std::string copy = guest.read_disk(device, start, k_sector_size);
    if (read_sector(copy) && text_of_id(copy, found->id_at) == from) {
      guest.write_disk(device, start + found->id_at, *bytes);
    }
  }
  return true;
}

}  // namespace vmconvert::guest
