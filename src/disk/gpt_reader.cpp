// The GUID partition table: a header with a checksum, entries with another, both twice on the disk.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>

#include "base/log.hpp"
#include "disk/bytes.hpp"
#include "disk/guid.hpp"
#include "disk/table_reader.hpp"

namespace vmconvert::disk {
namespace {

constexpr std::size_t k_min_header = 92;
constexpr std::uint32_t k_max_entries = 1024;     // 128 in every table that tools make
constexpr std::uint32_t k_max_entry_size = 4096;  // 128 likewise
constexpr std::uint64_t k_max_sector =
    std::numeric_limits<std::uint64_t>::max() / k_sector_size / 4;

// Not 64 bits long: every sum and product below then fits.
bool is_possible(std::uint64_t sector) {
  return sector < k_max_sector;
}

struct Header {
  std::uint64_t entries_sector = 0;
  std::uint32_t count = 0;
  std::uint32_t entry_size = 0;
  std::uint32_t entries_crc = 0;
};

std::optional<Header> read_header(BlockReader& disk, std::uint64_t sector) {
  if (from_sectors(sector + 1) > disk.size()) {
    return std::nullopt;
  }
  std::vector<std::byte> bytes(k_sector_size);
  disk.read(bytes, from_sectors(sector));
  const auto length = load_le<std::uint32_t>(bytes, 12);
  if (!has_text(bytes, 0, "EFI PART") || length < k_min_header || length > bytes.size() ||
      load_le<std::uint64_t>(bytes, 24) != sector) {
    return std::nullopt;
  }
  const auto expected = load_le<std::uint32_t>(bytes, 16);
  store_le<std::uint32_t>(bytes, 16, 0);
  if (crc32(slice(bytes, 0, length)) != expected) {
    return std::nullopt;
  }
  return Header{load_le<std::uint64_t>(bytes, 72), load_le<std::uint32_t>(bytes, 80),
                load_le<std::uint32_t>(bytes, 84), load_le<std::uint32_t>(bytes, 88)};
}

std::optional<std::vector<std::byte>> read_entries(BlockReader& disk, const Header& header) {
  if (header.count > k_max_entries || header.entry_size < 128 ||
      header.entry_size > k_max_entry_size || header.entry_size % 128 != 0 ||
      !is_possible(header.entries_sector)) {
    return std::nullopt;
  }
  const ByteCount at = from_sectors(header.entries_sector);
  std::vector<std::byte> bytes(std::size_t{header.count} * header.entry_size);
  if (at > disk.size() || ByteCount{bytes.size()} > disk.size() - at) {
    return std::nullopt;
  }
  disk.read(bytes, at);
  return crc32(bytes) == header.entries_crc ? std::optional(std::move(bytes)) : std::nullopt;
}

void add_entry(TableFacts& facts, std::span<const std::byte> entry, unsigned number,
               ByteCount disk_size) {
  Guid type{};
  std::copy_n(entry.begin(), type.size(), type.begin());
  if (type == Guid{}) {
    return;
  }
  const auto first = load_le<std::uint64_t>(entry, 32);
  const auto last = load_le<std::uint64_t>(entry, 40);
  if (!is_possible(first) || !is_possible(last) || last < first) {
    note_problem(facts, fmt::format("partition {} is said to go from sector {} to sector {}",
                                    number, first, last));
    return;
  }
  model::Partition part;
  part.number = number;
  part.start = from_sectors(first);
  part.length = from_sectors(last - first + 1);
  part.bootable = (load_le<std::uint64_t>(entry, 48) & 4U) != 0;  // legacy BIOS bootable
  part.bios_boot = type == k_bios_boot;
  const auto known = std::find_if(k_partition_types.begin(), k_partition_types.end(),
                                  [&](const TypePair& pair) { return pair.guid == type; });
  part.mbr_type = known == k_partition_types.end() ? std::uint8_t{0} : known->mbr;
  add_partition(facts, part, disk_size);
}

bool read_copy(BlockReader& disk, std::uint64_t sector, TableFacts& facts) {
  const auto header = read_header(disk, sector);
  const auto entries = header ? read_entries(disk, *header) : std::nullopt;
  if (!entries) {
    return false;
  }
  for (std::uint32_t i = 0; i < header->count; ++i) {
    add_entry(facts, slice(*entries, std::size_t{i} * header->entry_size, header->entry_size),
              i + 1, disk.size());
  }
  return true;
}

bool has_large_sectors(BlockReader& disk) {
  std::vector<std::byte> bytes(k_sector_size);
  if (disk.size() < ByteCount{8192}) {
    return false;
  }
  disk.read(bytes, ByteCount{4096});
  return has_text(bytes, 0, "EFI PART");
}

}  // namespace

TableFacts read_gpt(BlockReader& disk) {
  TableFacts facts;
  facts.table = model::TableKind::gpt;
  if (read_copy(disk, 1, facts)) {
    return facts;
  }
  const std::uint64_t sectors = disk.size().value / k_sector_size;
  if (sectors > 2 && read_copy(disk, sectors - 1, facts)) {
    log_warning("the disk's first GPT is damaged; its backup was read");
    return facts;
  }
  note_problem(facts, has_large_sectors(disk)
                          ? "its GPT is made for sectors of 4096 bytes"
                          : "its MBR says that there is a GPT, but neither copy of it is intact");
  return facts;
}

}  // namespace vmconvert::disk
