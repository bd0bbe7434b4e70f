#include "disk/table_reader.hpp"

#include <fmt/format.h>

#include <array>
#include <optional>

#include "disk/bytes.hpp"

namespace vmconvert::disk {
namespace {

constexpr std::size_t k_entries_offset = 446;
constexpr std::size_t k_entry_size = 16;
constexpr unsigned k_primaries = 4;
constexpr unsigned k_max_logicals = 128;  // a chain longer than that is a loop, or an attack

using Sector = std::array<std::byte, k_sector_size>;

struct Entry {
  std::uint8_t flag = 0;
  std::uint8_t type = 0;
  std::uint32_t start = 0;  // sectors
  std::uint32_t count = 0;

  [[nodiscard]] bool empty() const { return type == 0 || count == 0; }
  [[nodiscard]] bool extended() const { return type == 0x05 || type == 0x0f || type == 0x85; }
};

Entry read_entry(const Sector& sector, unsigned index) {
  const std::size_t at = k_entries_offset + index * k_entry_size;
  return {load_le<std::uint8_t>(sector, at), load_le<std::uint8_t>(sector, at + 4),
          load_le<std::uint32_t>(sector, at + 8), load_le<std::uint32_t>(sector, at + 12)};
}

bool has_boot_mark(const Sector& sector) {
  return load_le<std::uint16_t>(sector, 510) == 0xaa55;
}

// A boot sector of a FAT or NTFS volume ends with the same mark, but has no table in it.
bool is_volume_boot_sector(const Sector& sector) {
  return has_text(sector, 54, "FAT") || has_text(sector, 82, "FAT32") ||
         has_text(sector, 3, "NTFS");
}

bool has_table(const Sector& sector) {
  if (!has_boot_mark(sector) || is_volume_boot_sector(sector)) {
    return false;
  }
  bool any = false;
  for (unsigned i = 0; i < k_primaries; ++i) {
    const Entry entry = read_entry(sector, i);
    if ((entry.flag & 0x7fU) != 0) {
      return false;  // code or text, not a table
    }
    any = any || !entry.empty();
  }
  return any;
}

bool is_protective(const Sector& sector) {
  for (unsigned i = 0; i < k_primaries; ++i) {
    if (read_entry(sector, i).type == 0xee) {
      return true;
    }
  }
  return false;
}

model::Partition to_partition(const Entry& entry, unsigned number, std::uint64_t base) {
  model::Partition part;
  part.number = number;
  part.start = from_sectors(base + entry.start);
  part.length = from_sectors(entry.count);
  part.mbr_type = entry.type;
  part.bootable = entry.flag == 0x80;
  return part;
}

std::optional<Sector> read_sector(BlockReader& disk, std::uint64_t number) {
  Sector sector{};
  const ByteCount at = from_sectors(number);
  if (at + ByteCount{k_sector_size} > disk.size()) {
    return std::nullopt;
  }
  disk.read(sector, at);
  return sector;
}

// Each record of the chain describes one logical partition (entry 0, relative to the record) and
// where the next record is (an extended entry, relative to the whole extended partition).
void read_logicals(BlockReader& disk, const Entry& extended, TableFacts& facts) {
  std::uint64_t record = extended.start;
  unsigned number = k_primaries;
  for (unsigned seen = 0;; ++seen) {
    if (seen == k_max_logicals) {
      note_problem(facts, fmt::format("the chain of logical partitions does not end after {} links",
                                      k_max_logicals));
      return;
    }
    const auto sector = read_sector(disk, record);
    if (!sector) {
      note_problem(facts, fmt::format("the chain of logical partitions leads to byte {}, the disk "
                                      "has {} bytes",
                                      from_sectors(record).value, disk.size().value));
      return;
    }
    if (!has_boot_mark(*sector)) {
      return;
    }
    std::optional<Entry> next;
    for (unsigned i = 0; i < 2; ++i) {
      const Entry entry = read_entry(*sector, i);
      if (entry.empty()) {
        continue;
      }
      if (entry.extended()) {
        next = next ? next : entry;
      } else {
        add_partition(facts, to_partition(entry, ++number, record), disk.size());
      }
    }
    if (!next) {
      return;
    }
    record = std::uint64_t{extended.start} + next->start;
  }
}

}  // namespace

void note_problem(TableFacts& facts, std::string problem) {
  if (facts.problem.empty()) {
    facts.problem = std::move(problem);
  }
}

void add_partition(TableFacts& facts, const model::Partition& partition, ByteCount disk_size) {
  const ByteCount end = partition.start + partition.length;
  if (end > disk_size) {
    note_problem(facts, fmt::format("partition {} ends at byte {}, the disk has {} bytes",
                                    partition.number, end.value, disk_size.value));
  }
  facts.partitions.push_back(partition);
}

TableFacts read_table(BlockReader& disk) {
  TableFacts facts;
  const auto first = read_sector(disk, 0);
  if (!first || !has_table(*first)) {
    return facts;
  }
  if (is_protective(*first)) {
    return read_gpt(disk);
  }
  facts.table = model::TableKind::mbr;
  std::optional<Entry> extended;
  for (unsigned i = 0; i < k_primaries; ++i) {
    const Entry entry = read_entry(*first, i);
    if (entry.empty()) {
      continue;
    }
    add_partition(facts, to_partition(entry, i + 1, 0), disk.size());
    if (entry.extended() && !extended) {
      extended = entry;  // a table has one; kernels follow the first
    }
  }
  if (extended) {
    read_logicals(disk, *extended, facts);
  }
  return facts;
}

}  // namespace vmconvert::disk
