// The metadata of a new qcow2 image, as bytes: pure, nothing is read or written here. After
// docs/interop/qcow2 of QEMU: version 3 (compat 1.1), clusters of 64 KiB, reference counts of 16
// bits, no backing file, no snapshots.
//
//   cluster 0: header | data, in the order of its allocation | L2 tables | L1 | refcount table
//   | refcount blocks
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/units.hpp"
#include "disk/cluster_map.hpp"

namespace vmconvert::disk {

inline constexpr std::uint64_t k_qcow2_cluster = 64 * k_kib;

// Where the metadata go, counted in clusters from the file's start.
struct Qcow2Layout {
  ByteCount size;  // of the guest's disk
  std::uint64_t l1_entries = 0;
  std::uint64_t l2_start = 0;  // the data end here
  std::uint64_t l1_start = 0;
  std::uint64_t refcount_table_start = 0;
  std::uint64_t refcount_blocks_start = 0;
  std::uint64_t end = 0;  // of the file

  [[nodiscard]] std::uint64_t l1_clusters() const { return refcount_table_start - l1_start; }
  [[nodiscard]] std::uint64_t refcount_table_clusters() const {
    return refcount_blocks_start - refcount_table_start;
  }
  [[nodiscard]] std::uint64_t refcount_blocks() const { return end - refcount_blocks_start; }
};

// Error(internal) if `size` is no multiple of 512, as QEMU wants it; Error(unsupported) if it is
// more than ClusterMap can name.
void require_qcow2_size(ByteCount size);

// `data_end`: the first cluster behind the data; at least 1.
Qcow2Layout lay_out_qcow2(ByteCount size, std::uint64_t data_end, std::uint64_t l2_tables);

// Each fills one cluster; `cluster` has k_qcow2_cluster bytes, `index` counts clusters of that
// table.
void fill_header(std::span<std::byte> cluster, const Qcow2Layout& layout);
// `tables`: the L2 tables that exist, ascending, in the order in which they lie in the file.
void fill_l1(std::span<std::byte> cluster, const Qcow2Layout& layout, std::uint64_t index,
             std::span<const std::uint32_t> tables);
void fill_l2(std::span<std::byte> cluster, const ClusterMap& map, std::uint32_t table);
void fill_refcount_table(std::span<std::byte> cluster, const Qcow2Layout& layout,
                         std::uint64_t index);
// `used_data`: one bit for each cluster before l2_start. Those that are not set are free; all
// metadata are in use.
void fill_refcount_block(std::span<std::byte> cluster, const Qcow2Layout& layout,
                         std::uint64_t index, const std::vector<bool>& used_data);

}  // namespace vmconvert::disk
