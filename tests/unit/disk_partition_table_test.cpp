#include "disk/partition_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <random>

#include "base/error.hpp"
#include "base/subprocess.hpp"
#include "base/temp_dir.hpp"
#include "disk/bytes.hpp"
#include "disk/guid.hpp"
#include "disk/table_reader.hpp"

namespace vmconvert::disk {
namespace {

using ::testing::HasSubstr;

model::TargetDisk mbr_disk() {
  model::TargetDisk disk;
  disk.name = "vda";
  disk.size = ByteCount{8 * k_mib};
  disk.table = model::TableKind::mbr;
  disk.partitions = {{1, ByteCount{k_mib}, ByteCount{2 * k_mib}, 0x82, false, false},
                     {3, ByteCount{3 * k_mib}, ByteCount{5 * k_mib}, 0x83, true, false}};
  return disk;
}

model::TargetDisk gpt_disk() {
  model::TargetDisk disk = mbr_disk();
  disk.table = model::TableKind::gpt;
  disk.partitions = {{1, ByteCount{k_mib}, ByteCount{2 * k_mib}, 0x82, false, false},
                     {6, ByteCount{3 * k_mib}, ByteCount{4 * k_mib}, 0x8e, true, false},
                     {128, from_sectors(34), from_sectors(2048 - 34), 0, false, true}};
  return disk;
}

std::vector<std::byte> whole_disk(const model::TargetDisk& disk) {
  std::vector<std::byte> bytes = make_table(disk, "seed");
  EXPECT_EQ(bytes.size(), k_mib);
  bytes.resize(disk.size.value);
  if (disk.table == model::TableKind::gpt) {
    const std::vector<std::byte> backup = make_backup_gpt(disk, "seed");
    EXPECT_EQ(backup.size(), 33 * k_sector_size);
    std::copy(backup.begin(), backup.end(), bytes.end() - static_cast<long>(backup.size()));
  }
  return bytes;
}

TableFacts read(std::vector<std::byte> bytes) {
  MemoryReader reader(std::move(bytes));
  return read_table(reader);
}

std::string sfdisk(const std::vector<std::byte>& bytes, const std::vector<std::string>& options) {
  const TempDir folder(std::filesystem::temp_directory_path(), "vmc-table-test");
  const std::filesystem::path path = folder.path() / "disk";
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  RealCommandRunner commands;
  std::vector<std::string> argv = {"sfdisk"};
  argv.insert(argv.end(), options.begin(), options.end());
  argv.push_back(path.string());
  const CommandResult result = commands.run({argv});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  return result.out + result.err;
}

TEST(PartitionTable, ComesBackFromTheReader) {
  for (const model::TargetDisk& disk : {mbr_disk(), gpt_disk()}) {
    const TableFacts facts = read(whole_disk(disk));
    EXPECT_EQ(facts.table, disk.table);
    EXPECT_EQ(facts.partitions, disk.partitions);
    EXPECT_EQ(facts.problem, "");
  }
}

TEST(PartitionTable, IsUnderstoodBySfdisk) {
  const std::string mbr = sfdisk(whole_disk(mbr_disk()), {"-d"});
  EXPECT_THAT(mbr, HasSubstr("label: dos"));
  EXPECT_THAT(mbr, HasSubstr("disk1 : start=        2048, size=        4096, type=82"));
  EXPECT_THAT(mbr, HasSubstr("disk3 : start=        6144, size=       10240, type=83, bootable"));

  const std::string gpt = sfdisk(whole_disk(gpt_disk()), {"-d"});
  EXPECT_THAT(gpt, HasSubstr("label: gpt"));
  EXPECT_THAT(gpt, HasSubstr("first-lba: 34"));
  EXPECT_THAT(gpt, HasSubstr("last-lba: 16350"));
  EXPECT_THAT(gpt, HasSubstr("disk128 : start=          34, size=        2014, "
                             "type=21686148-6449-6E6F-744E-656564454649"));
  EXPECT_THAT(gpt, HasSubstr("LegacyBIOSBootable"));
  const std::string verdict = sfdisk(whole_disk(gpt_disk()), {"--verify"});
  EXPECT_THAT(verdict, HasSubstr("No errors detected"));
}

TEST(PartitionTable, HasIdentifiersThatFollowFromTheSeed) {
  const model::TargetDisk disk = gpt_disk();
  EXPECT_EQ(make_table(disk, "a"), make_table(disk, "a"));
  EXPECT_NE(make_table(disk, "a"), make_table(disk, "b"));
  EXPECT_NE(make_table(mbr_disk(), "a"), make_table(mbr_disk(), "b"));

  model::Domain one;
  one.name = "web01";
  model::Domain other = one;
  other.name = "web02";
  EXPECT_NE(table_seed(one, disk), table_seed(other, disk));
}

TEST(PartitionTable, LeavesBootCodeAndGapToTheLoader) {
  const std::vector<std::byte> bytes = make_table(mbr_disk(), "seed");
  const auto zero = [](std::byte byte) { return byte == std::byte{0}; };
  EXPECT_TRUE(std::all_of(bytes.begin(), bytes.begin() + 440, zero));
  EXPECT_TRUE(std::all_of(bytes.begin() + 512, bytes.end(), zero));
}

TEST(PartitionTable, RefusesWhatItCannotHold) {
  model::TargetDisk five = mbr_disk();
  five.partitions[0].number = 5;
  EXPECT_THROW(static_cast<void>(make_table(five, "")), Error);
  model::TargetDisk far = mbr_disk();
  far.partitions[0].start = ByteCount{4096 * k_gib};
  EXPECT_THROW(static_cast<void>(make_table(far, "")), Error);
  model::TargetDisk none = mbr_disk();
  none.table = model::TableKind::none;
  EXPECT_THROW(static_cast<void>(make_table(none, "")), Error);
}

TEST(GptReader, FallsBackToTheBackup) {
  std::vector<std::byte> bytes = whole_disk(gpt_disk());
  bytes[2 * k_sector_size + 5] ^= std::byte{1};  // an entry: its checksum no longer fits
  EXPECT_EQ(read(bytes).partitions, gpt_disk().partitions);
  bytes[k_sector_size + 60] ^= std::byte{1};  // and the header
  EXPECT_EQ(read(bytes).partitions, gpt_disk().partitions);
  bytes[bytes.size() - 100 * 5] ^= std::byte{1};  // and the backup's header
  const TableFacts facts = read(bytes);
  EXPECT_TRUE(facts.partitions.empty());
  EXPECT_THAT(facts.problem, HasSubstr("neither copy"));
}

// Header fields of any value, with checksums that fit: only limits stand between them and us.
TEST(GptReader, SurvivesHostileNumbers) {
  std::mt19937_64 random(11);
  const std::vector<std::byte> clean = whole_disk(gpt_disk());
  const std::vector<std::byte> start(clean.begin(), clean.begin() + 40 * k_sector_size);
  for (int round = 0; round < 3000; ++round) {
    std::vector<std::byte> bytes = start;  // short: the backup is out of reach
    const std::span<std::byte> header = std::span(bytes).subspan(k_sector_size, k_sector_size);
    const std::uint64_t value = random() >> (random() % 64);
    switch (random() % 4) {
      case 0: store_le<std::uint64_t>(header, 72, value); break;
      case 1: store_le<std::uint32_t>(header, 80, static_cast<std::uint32_t>(value)); break;
      case 2: store_le<std::uint32_t>(header, 84, static_cast<std::uint32_t>(value)); break;
      default: store_le<std::uint32_t>(header, 12, static_cast<std::uint32_t>(value)); break;
    }
    store_le<std::uint32_t>(header, 16, 0);
    const auto length = std::min<std::size_t>(load_le<std::uint32_t>(header, 12), k_sector_size);
    store_le<std::uint32_t>(header, 16, crc32(slice(header, 0, length)));
    EXPECT_LE(read(bytes).partitions.size(), 1024U);
  }
}

TEST(GptReader, RefusesPartitionsOfImpossibleSectors) {
  std::vector<std::byte> bytes = whole_disk(gpt_disk());
  const auto reseal = [&](std::uint64_t first, std::uint64_t last) {
    const std::span<std::byte> entries = std::span(bytes).subspan(2 * k_sector_size, 128 * 128);
    store_le(entries, 32, first);
    store_le(entries, 40, last);
    const std::span<std::byte> header = std::span(bytes).subspan(k_sector_size, k_sector_size);
    store_le(header, 88, crc32(entries));
    store_le<std::uint32_t>(header, 16, 0);
    store_le(header, 16, crc32(slice(header, 0, 92)));
    return read(bytes).problem;
  };
  EXPECT_THAT(reseal(10, 9), HasSubstr("from sector 10 to sector 9"));
  EXPECT_THAT(reseal(0, ~0ULL), HasSubstr("partition 1 is said to go"));
  EXPECT_THAT(reseal(2048, 1ULL << 40U), HasSubstr("partition 1 ends at byte"));
  EXPECT_EQ(reseal(2048, 4095), "");
}

}  // namespace
}  // namespace vmconvert::disk
