// Runs of clusters against a plain table, and the layout of a qcow2 file's tables.
#include "disk/cluster_map.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "disk/bytes.hpp"
#include "disk/qcow2_tables.hpp"

namespace vmconvert::disk {
namespace {

using Plain = std::map<std::uint32_t, std::uint32_t>;  // guest to host

Plain expand(const std::vector<Qcow2Run>& runs) {
  Plain plain;
  for (const Qcow2Run& run : runs) {
    for (std::uint32_t i = 0; i < run.count; ++i) {
      EXPECT_TRUE(plain.emplace(run.guest + i, run.host + i).second);
    }
  }
  return plain;
}

void expect_shortest(const std::vector<Qcow2Run>& runs) {
  for (std::size_t i = 1; i < runs.size(); ++i) {
    const Qcow2Run& before = runs[i - 1];
    ASSERT_LE(before.guest + before.count, runs[i].guest);
    EXPECT_FALSE(before.guest + before.count == runs[i].guest &&
                 before.host + before.count == runs[i].host);
  }
}

TEST(ClusterMap, HoldsWhatAPlainTableHolds) {
  std::mt19937 random(7);
  for (const std::uint32_t disk : {40U, 3 * k_l2_entries}) {
    ClusterMap map;
    Plain plain;
    std::uint32_t host = 1;
    for (int step = 0; step < 500; ++step) {
      const std::uint32_t guest = random() % disk;
      const std::uint32_t count = 1 + random() % std::min(disk - guest, disk / 3);
      if (random() % 3 == 0) {
        map.remove(guest, count);
        plain.erase(plain.lower_bound(guest), plain.lower_bound(guest + count));
        continue;
      }
      // Sometimes where the cluster before it went on, so that runs join.
      const auto left = guest == 0 ? plain.end() : plain.find(guest - 1);
      const bool join = random() % 2 == 0 && left != plain.end();
      const std::uint32_t place = join ? left->second + 1 : host;
      host = std::max(host, place + count);
      map.add({guest, place, count});
      for (std::uint32_t i = 0; i < count; ++i) {
        plain[guest + i] = place + i;
      }
      if (step % 50 == 0 || disk == 40) {
        const std::vector<Qcow2Run> runs = map.runs();
        ASSERT_TRUE(expand(runs) == plain) << step;
        expect_shortest(runs);
      }
    }
    std::set<std::uint32_t> tables;
    for (const auto& [guest, place] : plain) {
      tables.insert(guest / k_l2_entries);
    }
    const std::vector<std::uint32_t> found = map.tables();
    EXPECT_EQ(std::set<std::uint32_t>(found.begin(), found.end()), tables);
    map.remove(0, disk);
    EXPECT_TRUE(map.tables().empty());
  }
}

TEST(ClusterMap, JoinsWhatIsWrittenInOrder) {
  ClusterMap map;
  for (std::uint32_t unit = 0; unit < 4096; ++unit) {  // 16 GiB, each second unit first
    const std::uint32_t at = (unit ^ 1U) * 64;
    map.add({at, 1 + at, 64});
  }
  const std::vector<Qcow2Run> whole = {{0, 1, 4096 * 64}};
  EXPECT_EQ(map.runs(), whole);
  map.add({0xfffffff0, 9, 15});
  map.remove(0xffffffff - 1, 1);
  EXPECT_EQ(map.runs().back(), (Qcow2Run{0xfffffff0, 9, 14}));
}

std::uint64_t load_be64(std::span<const std::byte> bytes, std::size_t at) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    value = value << 8U | std::to_integer<std::uint64_t>(bytes[at + i]);
  }
  return value;
}

TEST(Qcow2Layout, CountsEveryCluster) {
  constexpr std::uint64_t k_block = 32768;           // clusters that a refcount block covers
  constexpr std::uint64_t k_table = 8192 * k_block;  // and one cluster of the refcount table
  for (const std::uint64_t around : {k_block, 2 * k_block, 8191 * k_block, k_table, 2 * k_table}) {
    for (std::uint64_t data_end = around - 12; data_end < around + 5; ++data_end) {
      const Qcow2Layout layout = lay_out_qcow2(ByteCount{5 * 1024 * k_gib}, data_end, 7);
      EXPECT_EQ(layout.l2_start, data_end);
      EXPECT_EQ(layout.l1_start, data_end + 7);
      EXPECT_EQ(layout.l1_entries, 10240U);
      EXPECT_EQ(layout.l1_clusters(), 2U);
      EXPECT_GE(layout.refcount_blocks() * k_block, layout.end);
      EXPECT_GE(layout.refcount_table_clusters() * 8192, layout.refcount_blocks());
      EXPECT_LT((layout.refcount_blocks() - 1) * k_block, layout.end) << "one block too many";
    }
  }
}

TEST(Qcow2Layout, ATableOfTwoClustersGoesOnInTheSecond) {
  const Qcow2Layout layout = lay_out_qcow2(ByteCount{5 * 1024 * k_gib}, 8192ULL * 32768, 2);
  ASSERT_EQ(layout.refcount_table_clusters(), 2U);
  ASSERT_EQ(layout.refcount_blocks(), 8193U);
  std::vector<std::byte> cluster(k_qcow2_cluster, std::byte{0xee});
  fill_refcount_table(cluster, layout, 1);
  EXPECT_EQ(load_be64(cluster, 0), (layout.refcount_blocks_start + 8192) * k_qcow2_cluster);
  EXPECT_EQ(load_be64(cluster, 8), 0U);
  const std::vector<std::uint32_t> tables = {3, 8193};
  fill_l1(cluster, layout, 1, tables);
  EXPECT_EQ(load_be64(cluster, 0), 0U);
  EXPECT_EQ(load_be64(cluster, 8), (layout.l2_start + 1) * k_qcow2_cluster | 1ULL << 63U);
  fill_l1(cluster, layout, 0, tables);
  EXPECT_EQ(load_be64(cluster, 24), layout.l2_start * k_qcow2_cluster | 1ULL << 63U);
}

}  // namespace
}  // namespace vmconvert::disk
