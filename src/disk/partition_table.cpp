#include "disk/partition_table.hpp"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <limits>

#include "base/error.hpp"
#include "disk/bytes.hpp"
#include "disk/guid.hpp"

namespace vmconvert::disk {
namespace {

constexpr std::size_t k_gpt_entries = 128;
constexpr std::size_t k_gpt_entry_size = 128;
constexpr std::size_t k_gpt_header_size = 92;
constexpr std::uint64_t k_entry_sectors = k_gpt_entries * k_gpt_entry_size / k_sector_size;
constexpr std::size_t k_name_length = 36;  // UTF-16 units

using Bytes = std::vector<std::byte>;

void require(bool fits, const model::TargetDisk& disk, const char* what) {
  if (!fits) {
    throw Error(ErrorKind::internal, fmt::format("the table of {}: {}", disk.name, what));
  }
}

XXH128_hash_t hash_of(std::string_view seed, std::uint64_t item) {
  return XXH3_128bits_withSeed(seed.data(), seed.size(), item);
}

// A GUID of version 4 (as made at random), but always the same one for the same seed.
Guid make_guid(std::string_view seed, std::uint64_t item) {
  const XXH128_hash_t hash = hash_of(seed, item);
  Guid guid{};
  store_le<std::uint64_t>(guid, 0, hash.low64);
  store_le<std::uint64_t>(guid, 8, hash.high64);
  guid[7] = (guid[7] & std::byte{0x0f}) | std::byte{0x40};
  guid[8] = (guid[8] & std::byte{0x3f}) | std::byte{0x80};
  return guid;
}

std::uint64_t sectors_of(ByteCount bytes) {
  return bytes.value / k_sector_size;
}

// Cylinder, head, sector of no real place: "use the sector numbers".
void store_beyond_chs(Bytes& bytes, std::size_t at) {
  bytes[at] = std::byte{0xfe};
  bytes[at + 1] = std::byte{0xff};
  bytes[at + 2] = std::byte{0xff};
}

void store_mbr_entry(Bytes& bytes, unsigned number, const model::Partition& part) {
  const std::size_t at = 446 + (number - 1) * std::size_t{16};
  bytes[at] = part.bootable ? std::byte{0x80} : std::byte{0};
  store_beyond_chs(bytes, at + 1);
  bytes[at + 4] = std::byte{part.mbr_type};
  store_beyond_chs(bytes, at + 5);
  store_le(bytes, at + 8, static_cast<std::uint32_t>(sectors_of(part.start)));
  store_le(bytes, at + 12, static_cast<std::uint32_t>(sectors_of(part.length)));
}

void fill_mbr(Bytes& bytes, const model::TargetDisk& disk, std::string_view seed) {
  constexpr std::uint64_t k_limit = std::numeric_limits<std::uint32_t>::max();
  const auto signature = static_cast<std::uint32_t>(hash_of(seed, 0).low64);
  store_le<std::uint32_t>(bytes, 440, signature == 0 ? 1 : signature);
  for (const model::Partition& part : disk.partitions) {
    require(part.number >= 1 && part.number <= 4, disk, "an MBR has four partitions");
    require(sectors_of(part.start + part.length) <= k_limit, disk, "an MBR ends at 2 TiB");
    store_mbr_entry(bytes, part.number, part);
  }
  store_le<std::uint16_t>(bytes, 510, 0xaa55);
}

void fill_protective_mbr(Bytes& bytes, const model::TargetDisk& disk) {
  constexpr std::uint64_t k_limit = std::numeric_limits<std::uint32_t>::max();
  model::Partition all;
  all.start = from_sectors(1);
  all.length = from_sectors(std::min(sectors_of(disk.size) - 1, k_limit));
  all.mbr_type = 0xee;
  store_mbr_entry(bytes, 1, all);
  store_le<std::uint16_t>(bytes, 510, 0xaa55);
}

Guid type_of(const model::Partition& part) {
  if (part.bios_boot) {
    return k_bios_boot;
  }
  const auto known = std::find_if(k_partition_types.begin(), k_partition_types.end(),
                                  [&](const TypePair& pair) { return pair.mbr == part.mbr_type; });
  return known == k_partition_types.end() ? k_linux_data : known->guid;
}

Bytes make_entries(const model::TargetDisk& disk, std::string_view seed) {
  Bytes entries(k_gpt_entries * k_gpt_entry_size);
  for (const model::Partition& part : disk.partitions) {
    require(part.number >= 1 && part.number <= k_gpt_entries, disk, "a GPT has 128 partitions");
    const std::size_t at = (part.number - 1) * k_gpt_entry_size;
    const Guid type = type_of(part);
    const Guid unique = make_guid(seed, part.number);
    std::copy(type.begin(), type.end(), entries.begin() + static_cast<long>(at));
    std::copy(unique.begin(), unique.end(), entries.begin() + static_cast<long>(at + 16));
    store_le(entries, at + 32, sectors_of(part.start));
    store_le(entries, at + 40, sectors_of(part.start + part.length) - 1);
    store_le<std::uint64_t>(entries, at + 48, part.bootable ? 4 : 0);
    const std::string name =
        part.bios_boot ? "BIOS boot" : fmt::format("{}{}", disk.name, part.number);
    for (std::size_t i = 0; i < std::min(name.size(), k_name_length); ++i) {
      store_le(entries, at + 56 + 2 * i, static_cast<std::uint16_t>(name[i]));
    }
  }
  return entries;
}

struct HeaderPlace {
  std::uint64_t own = 0;
  std::uint64_t other = 0;
  std::uint64_t entries = 0;
};

Bytes make_header(const model::TargetDisk& disk, std::string_view seed, const HeaderPlace& place,
                  const Bytes& entries) {
  Bytes header(k_sector_size);
  std::memcpy(header.data(), "EFI PART", 8);
  store_le<std::uint32_t>(header, 8, 0x00010000);
  store_le<std::uint32_t>(header, 12, k_gpt_header_size);
  store_le(header, 24, place.own);
  store_le(header, 32, place.other);
  store_le<std::uint64_t>(header, 40, 2 + k_entry_sectors);
  store_le<std::uint64_t>(header, 48, sectors_of(disk.size) - 2 - k_entry_sectors);
  const Guid guid = make_guid(seed, 0);
  std::copy(guid.begin(), guid.end(), header.begin() + 56);
  store_le(header, 72, place.entries);
  store_le<std::uint32_t>(header, 80, k_gpt_entries);
  store_le<std::uint32_t>(header, 84, k_gpt_entry_size);
  store_le<std::uint32_t>(header, 88, crc32(entries));
  store_le<std::uint32_t>(header, 16, crc32(slice(header, 0, k_gpt_header_size)));
  return header;
}

}  // namespace

Bytes make_table(const model::TargetDisk& disk, std::string_view seed) {
  Bytes bytes(k_mib);
  if (disk.table == model::TableKind::mbr) {
    fill_mbr(bytes, disk, seed);
    return bytes;
  }
  require(disk.table == model::TableKind::gpt, disk, "neither MBR nor GPT");
  fill_protective_mbr(bytes, disk);
  const Bytes entries = make_entries(disk, seed);
  const Bytes header = make_header(disk, seed, {1, sectors_of(disk.size) - 1, 2}, entries);
  std::copy(header.begin(), header.end(), bytes.begin() + k_sector_size);
  std::copy(entries.begin(), entries.end(), bytes.begin() + 2 * k_sector_size);
  return bytes;
}

Bytes make_backup_gpt(const model::TargetDisk& disk, std::string_view seed) {
  Bytes bytes = make_entries(disk, seed);
  const std::uint64_t last = sectors_of(disk.size) - 1;
  const Bytes header = make_header(disk, seed, {last, 1, last - k_entry_sectors}, bytes);
  bytes.insert(bytes.end(), header.begin(), header.end());
  return bytes;
}

std::string table_seed(const model::Domain& domain, const model::TargetDisk& disk) {
  return fmt::format("{}\n{}\n{}\n{}", domain.uuid, domain.name, disk.name, disk.size.value);
}

}  // namespace vmconvert::disk
