#include "disk/condition.hpp"

#include <algorithm>

#include "base/temp_dir.hpp"
#include "disk/bytes.hpp"
#include "disk/file_reader.hpp"
#include "disk/nbd_client.hpp"
#include "disk/nbd_server.hpp"
#include "disk/probe.hpp"

namespace vmconvert::disk {
namespace {

constexpr std::size_t k_most_partitions = 140;  // an MBR's primaries and logicals, and some

// Behind a protective entry, real ones: some firmware reads those and some the GPT.
bool is_hybrid(BlockReader& content) {
  std::vector<std::byte> sector(k_sector_size);
  content.read(sector, {});
  unsigned others = 0;
  for (std::size_t at = 446; at < 510; at += 16) {
    const auto type = load_le<std::uint8_t>(sector, at + 4);
    others += type != 0 && type != 0xee ? 1U : 0U;
  }
  return others > 0;
}

std::optional<ByteCount> misplaced_backup(BlockReader& content) {
  std::vector<std::byte> header(k_sector_size);
  if (content.size().value < 3 * k_sector_size) {
    return std::nullopt;
  }
  content.read(header, ByteCount{k_sector_size});
  if (!has_text(header, 0, "EFI PART")) {
    return std::nullopt;  // the backup was read in its place: where it lies is known to be right
  }
  const auto sector = load_le<std::uint64_t>(header, 32);
  const std::uint64_t last = content.size().value / k_sector_size - 1;
  constexpr std::uint64_t k_no_sector = std::uint64_t{1} << 54U;
  return sector == last ? std::nullopt
                        : std::optional(ByteCount{std::min(sector, k_no_sector) * k_sector_size});
}

}  // namespace

model::DiskCondition read_condition(BlockReader& content, const model::DiskFacts& facts) {
  model::DiskCondition condition;
  if (facts.table == model::TableKind::none) {
    condition.regions.push_back(read_region(content, {}, content.size()));
    return condition;
  }
  if (facts.table == model::TableKind::gpt) {
    condition.hybrid_mbr = is_hybrid(content);
    condition.backup_table = misplaced_backup(content);
  }
  for (const model::Partition& part : facts.partitions) {
    const bool extended = facts.table == model::TableKind::mbr &&
                          (part.mbr_type == 0x05 || part.mbr_type == 0x0f || part.mbr_type == 0x85);
    if (extended || part.start >= content.size() || condition.regions.size() >= k_most_partitions) {
      continue;
    }
    const ByteCount length = std::min(part.length, content.size() - part.start);
    model::Region region = read_region(content, part.start, length);
    region.partition = part.number;
    condition.regions.push_back(std::move(region));
  }
  return condition;
}

model::DiskCondition read_condition(const model::DomainDisk& disk, const model::DiskFacts& facts) {
  if (disk.format == model::DiskFormat::raw) {
    FileReader content(disk.source, disk_label(disk));
    return read_condition(content, facts);
  }
  const TempDir folder(std::filesystem::temp_directory_path(), "vmconvert-probe");
  NbdReader content(
      serve_image({.image = disk.source, .format = disk.format, .folder = folder.path()}),
      disk_label(disk));
  return read_condition(content, facts);
}

}  // namespace vmconvert::disk
