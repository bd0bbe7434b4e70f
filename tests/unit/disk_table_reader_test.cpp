#include "disk/table_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "disk/bytes.hpp"

namespace vmconvert::disk {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Row {
  std::uint8_t type;
  std::uint32_t start;
  std::uint32_t count;
  std::uint8_t flag = 0;
};

// A disk of `sectors` sectors into which tests write tables.
class Disk {
 public:
  explicit Disk(std::size_t sectors) : m_bytes(sectors * k_sector_size) {}

  void table(std::size_t sector, const std::vector<Row>& rows) {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const std::size_t at = sector * k_sector_size + 446 + i * 16;
      store_le<std::uint8_t>(m_bytes, at, rows[i].flag);
      store_le<std::uint8_t>(m_bytes, at + 4, rows[i].type);
      store_le<std::uint32_t>(m_bytes, at + 8, rows[i].start);
      store_le<std::uint32_t>(m_bytes, at + 12, rows[i].count);
    }
    store_le<std::uint16_t>(m_bytes, sector * k_sector_size + 510, 0xaa55);
  }
  std::vector<std::byte>& bytes() { return m_bytes; }
  [[nodiscard]] TableFacts read() const {
    MemoryReader reader(m_bytes);
    return read_table(reader);
  }

 private:
  std::vector<std::byte> m_bytes;
};

std::vector<unsigned> numbers(const TableFacts& facts) {
  std::vector<unsigned> found;
  for (const model::Partition& part : facts.partitions) {
    found.push_back(part.number);
  }
  return found;
}

TEST(MbrReader, ReadsPrimariesAndAChainOfLogicals) {
  Disk disk(1000);
  disk.table(0, {{0x83, 63, 100, 0x80}, {0x82, 163, 37}, {}, {0x05, 200, 800}});
  disk.table(200, {{0x83, 1, 99}, {0x05, 100, 100}});
  disk.table(300, {{0x8e, 2, 98}, {0x05, 300, 100}});
  disk.table(500, {{0x83, 63, 37}});
  const TableFacts facts = disk.read();
  EXPECT_EQ(facts.table, model::TableKind::mbr);
  EXPECT_EQ(facts.problem, "");
  EXPECT_THAT(facts.partitions,
              ElementsAre(model::Partition{1, from_sectors(63), from_sectors(100), 0x83, true},
                          model::Partition{2, from_sectors(163), from_sectors(37), 0x82},
                          model::Partition{4, from_sectors(200), from_sectors(800), 0x05},
                          model::Partition{5, from_sectors(201), from_sectors(99), 0x83},
                          model::Partition{6, from_sectors(302), from_sectors(98), 0x8e},
                          model::Partition{7, from_sectors(563), from_sectors(37), 0x83}));
}

TEST(MbrReader, SaysWhichPartitionEndsBehindTheDisk) {
  Disk disk(1000);
  disk.table(0, {{0x83, 63, 100}, {0x83, 163, 900}});
  EXPECT_EQ(disk.read().problem, "partition 2 ends at byte 544256, the disk has 512000 bytes");

  Disk logical(1000);
  logical.table(0, {{0x05, 100, 900}});
  logical.table(100, {{0x83, 1, 4000}});
  EXPECT_THAT(logical.read().problem, HasSubstr("partition 5 ends at byte"));
}

TEST(MbrReader, EndsOnAChainThatRunsInCircles) {
  Disk self(1000);
  self.table(0, {{0x05, 100, 900}});
  self.table(100, {{0x83, 1, 10}, {0x05, 0, 900}});
  EXPECT_THAT(self.read().problem, HasSubstr("does not end after 128"));

  Disk pair(1000);
  pair.table(0, {{0x05, 100, 900}});
  pair.table(100, {{0, 0, 0}, {0x05, 50, 50}});
  pair.table(150, {{0, 0, 0}, {0x0f, 0, 50}});
  EXPECT_THAT(pair.read().problem, HasSubstr("does not end after 128"));
  EXPECT_THAT(numbers(pair.read()), ElementsAre(1));
}

TEST(MbrReader, EndsOnAChainThatLeavesTheDisk) {
  Disk disk(1000);
  disk.table(0, {{0x05, 100, 900}});
  disk.table(100, {{0x83, 1, 10}, {0x05, 0xffffffff, 10}});
  EXPECT_THAT(disk.read().problem, HasSubstr("leads to byte"));
  Disk start(1000);
  start.table(0, {{0x0f, 0xfffffff0, 0xffffffff}});
  EXPECT_THAT(start.read().problem, HasSubstr("partition 1 ends at byte"));
}

TEST(MbrReader, TakesNoBootSectorForATable) {
  Disk fat(100);
  fat.table(0, {{0x83, 1, 10}});
  std::memcpy(fat.bytes().data() + 54, "FAT16", 5);
  EXPECT_EQ(fat.read().table, model::TableKind::none);

  Disk code(100);
  code.table(0, {{0x83, 1, 10, 0x6f}});  // text where a flag should be
  EXPECT_EQ(code.read().table, model::TableKind::none);

  Disk loader_only(100);
  loader_only.table(0, {});
  EXPECT_EQ(loader_only.read().table, model::TableKind::none);

  EXPECT_EQ(Disk(0).read().table, model::TableKind::none);
}

TEST(MbrReader, SurvivesNoise) {
  std::mt19937 random(7);
  for (int round = 0; round < 2000; ++round) {
    Disk disk(1 + random() % 40);
    for (std::byte& byte : disk.bytes()) {
      byte = static_cast<std::byte>(random());
    }
    for (std::size_t sector = 0; sector < disk.bytes().size() / k_sector_size; ++sector) {
      std::vector<Row> rows;
      for (int i = 0; i < 4; ++i) {
        const std::uint8_t type = std::array<std::uint8_t, 4>{0x05, 0x83, 0x0f, 0xee}[random() % 4];
        rows.push_back({type, static_cast<std::uint32_t>(random() % 50),
                        static_cast<std::uint32_t>(random()), 0});
      }
      disk.table(sector, rows);
    }
    const TableFacts facts = disk.read();
    EXPECT_LE(facts.partitions.size(), 4U + 2 * 128U);
    EXPECT_EQ(facts.table == model::TableKind::none, false);
  }
}

TEST(GptReader, SaysThatAProtectedTableIsGone) {
  Disk disk(1000);
  disk.table(0, {{0xee, 1, 999}});
  EXPECT_EQ(disk.read().table, model::TableKind::gpt);
  EXPECT_THAT(disk.read().problem, HasSubstr("neither copy of it is intact"));
  std::memcpy(disk.bytes().data() + 4096, "EFI PART", 8);
  EXPECT_THAT(disk.read().problem, HasSubstr("sectors of 4096 bytes"));
  EXPECT_THAT(disk.read().partitions, IsEmpty());
}

}  // namespace
}  // namespace vmconvert::disk
