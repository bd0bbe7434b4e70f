#include "disk/qcow2_tables.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "disk/bytes.hpp"

namespace vmconvert::disk {
namespace {

constexpr std::uint32_t k_qcow2_magic = 0x514649fb;  // "QFI\xfb"
constexpr std::uint32_t k_version = 3;
constexpr std::uint32_t k_cluster_bits = 16;
constexpr std::uint32_t k_refcount_order = 4;  // 2^4 bits
constexpr std::uint32_t k_header_length = 104;
// In L1 and L2 entries: the reference count is exactly one, no copy on write.
constexpr std::uint64_t k_copied = std::uint64_t{1} << 63U;
constexpr std::uint64_t k_entries = k_qcow2_cluster / 8;           // of L1, L2, refcount table
constexpr std::uint64_t k_refcount_entries = k_qcow2_cluster / 2;  // 2 GiB of the file a block

static_assert(k_l2_entries == k_entries && k_qcow2_cluster == std::uint64_t{1} << k_cluster_bits);

constexpr std::uint64_t divide_up(std::uint64_t value, std::uint64_t by) {
  return value / by + (value % by == 0 ? 0 : 1);
}

constexpr std::uint64_t offset_of(std::uint64_t cluster) {
  return cluster * k_qcow2_cluster;
}

void clear(std::span<std::byte> cluster) {
  std::fill(cluster.begin(), cluster.end(), std::byte{0});
}

}  // namespace

void require_qcow2_size(ByteCount size) {
  if (size.value % k_sector_size != 0) {
    throw Error(ErrorKind::internal,
                fmt::format("a qcow2 image of {} bytes: not whole sectors", size.value));
  }
  if (size.value / k_qcow2_cluster >= UINT32_MAX) {
    throw Error(ErrorKind::unsupported,
                fmt::format("a qcow2 image of {} is larger than the 256 TiB that can be written",
                            to_text_exact(size)),
                "use --format raw");
  }
}

Qcow2Layout lay_out_qcow2(ByteCount size, std::uint64_t data_end, std::uint64_t l2_tables) {
  Qcow2Layout layout;
  layout.size = size;
  layout.l1_entries =
      std::max<std::uint64_t>(1, divide_up(size.value, k_entries * k_qcow2_cluster));
  layout.l2_start = data_end;
  layout.l1_start = layout.l2_start + l2_tables;
  layout.refcount_table_start = layout.l1_start + divide_up(layout.l1_entries, k_entries);
  // The blocks count themselves and their table: a little more until it is enough.
  std::uint64_t blocks = 1;
  for (;;) {
    layout.refcount_blocks_start = layout.refcount_table_start + divide_up(blocks, k_entries);
    layout.end = layout.refcount_blocks_start + blocks;
    const std::uint64_t needed = divide_up(layout.end, k_refcount_entries);
    if (needed <= blocks) {
      return layout;
    }
    blocks = needed;
  }
}

void fill_header(std::span<std::byte> cluster, const Qcow2Layout& layout) {
  clear(cluster);  // no backing file, encryption, snapshots, features; no header extensions
  store_be<std::uint32_t>(cluster, 0, k_qcow2_magic);
  store_be<std::uint32_t>(cluster, 4, k_version);
  store_be<std::uint32_t>(cluster, 20, k_cluster_bits);
  store_be<std::uint64_t>(cluster, 24, layout.size.value);
  store_be<std::uint32_t>(cluster, 36, static_cast<std::uint32_t>(layout.l1_entries));
  store_be<std::uint64_t>(cluster, 40, offset_of(layout.l1_start));
  store_be<std::uint64_t>(cluster, 48, offset_of(layout.refcount_table_start));
  store_be<std::uint32_t>(cluster, 56,
                          static_cast<std::uint32_t>(layout.refcount_table_clusters()));
  store_be<std::uint32_t>(cluster, 96, k_refcount_order);
  store_be<std::uint32_t>(cluster, 100, k_header_length);
}

void fill_l1(std::span<std::byte> cluster, const Qcow2Layout& layout, std::uint64_t index,
             std::span<const std::uint32_t> tables) {
  clear(cluster);
  const std::uint64_t base = index * k_entries;
  const auto first = std::lower_bound(tables.begin(), tables.end(), base);
  for (auto at = first; at != tables.end() && *at < base + k_entries; ++at) {
    const auto place = static_cast<std::uint64_t>(at - tables.begin());
    store_be<std::uint64_t>(cluster, (*at - base) * 8,
                            offset_of(layout.l2_start + place) | k_copied);
  }
}

void fill_l2(std::span<std::byte> cluster, const ClusterMap& map, std::uint32_t table) {
  clear(cluster);
  map.for_each_in(table, [&](const Qcow2Run& run) {
    for (std::uint64_t i = 0; i < run.count; ++i) {
      store_be<std::uint64_t>(cluster, ((run.guest + i) % k_entries) * 8,
                              offset_of(run.host + i) | k_copied);
    }
  });
}

void fill_refcount_table(std::span<std::byte> cluster, const Qcow2Layout& layout,
                         std::uint64_t index) {
  clear(cluster);
  const std::uint64_t base = index * k_entries;
  const std::uint64_t end = std::min(base + k_entries, layout.refcount_blocks());
  for (std::uint64_t block = base; block < end; ++block) {
    store_be<std::uint64_t>(cluster, (block - base) * 8,
                            offset_of(layout.refcount_blocks_start + block));
  }
}

void fill_refcount_block(std::span<std::byte> cluster, const Qcow2Layout& layout,
                         std::uint64_t index, const std::vector<bool>& used_data) {
  clear(cluster);
  const std::uint64_t base = index * k_refcount_entries;
  const std::uint64_t end = std::min(base + k_refcount_entries, layout.end);
  for (std::uint64_t at = base; at < end; ++at) {
    if (at >= layout.l2_start || used_data.at(at)) {
      store_be<std::uint16_t>(cluster, (at - base) * 2, 1);
    }
  }
}

}  // namespace vmconvert::disk
