#include "allocation/xfs.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "allocation/crc.hpp"

namespace vmconvert::allocation {
namespace {

constexpr std::uint32_t k_agf_magic = 0x58414746;      // XAGF
constexpr std::uint32_t k_tree_magic_v4 = 0x41425442;  // ABTB
constexpr std::uint32_t k_tree_magic_v5 = 0x41423342;  // AB3B
constexpr std::uint32_t k_no_block = 0xffffffff;
constexpr std::uint32_t k_deepest_tree = 9;  // XFS_BTREE_MAXLEVELS

// The free space of one allocation group. Its records come in ascending order or are refused, and a
// child is one level below its parent: so no loop of pointers can keep the walk going.
class GroupReader {
 public:
  GroupReader(const Volume& volume, const XfsGeometry& geometry, std::uint32_t group,
              FreeRuns& runs)
      : m_volume(volume),
        m_geometry(geometry),
        m_group(group),
        m_size(geometry.size_of_group(group)),
        m_runs(runs) {}

  void read() {
    const std::uint32_t sector = m_geometry.sector_size;
    const std::vector<std::byte> agf =
        m_volume.read(m_geometry.byte_of(m_group, 0) + sector, sector);
    if (load_be<std::uint32_t>(agf, 0) != k_agf_magic || load_be<std::uint32_t>(agf, 4) != 1 ||
        load_be<std::uint32_t>(agf, 8) != m_group || load_be<std::uint32_t>(agf, 12) != m_size) {
      damaged("header");
    }
    if (m_geometry.v5 && (crc32c_without(agf, 216) != load_le<std::uint32_t>(agf, 216) ||
                          !has_bytes(agf, 64, m_geometry.meta_uuid))) {
      damaged("header");
    }
    const auto root = load_be<std::uint32_t>(agf, 16);
    const auto levels = load_be<std::uint32_t>(agf, 28);
    if (levels == 0 || levels > k_deepest_tree) {
      damaged("header");
    }
    // The first four sectors of a group are its headers.
    m_next = static_cast<std::uint32_t>((4ULL * sector + m_geometry.block_size - 1) /
                                        m_geometry.block_size);
    walk(root, levels - 1, true);
    check_tree_blocks();
    if (m_free != load_be<std::uint32_t>(agf, 52)) {
      refuse(fmt::format("the free space of allocation group {} does not agree with its count",
                         m_group));
    }
  }

 private:
  [[noreturn]] void damaged(const char* what) const {
    refuse(fmt::format("the {} of allocation group {} is damaged", what, m_group));
  }

  [[nodiscard]] std::vector<std::byte> read_block(std::uint32_t block, std::uint32_t level) {
    if (block == k_no_block || block >= m_size) {
      damaged("free-space tree");
    }
    std::vector<std::byte> bytes =
        m_volume.read(m_geometry.byte_of(m_group, block), m_geometry.block_size);
    const std::uint32_t magic = m_geometry.v5 ? k_tree_magic_v5 : k_tree_magic_v4;
    if (load_be<std::uint32_t>(bytes, 0) != magic || load_be<std::uint16_t>(bytes, 4) != level) {
      damaged("free-space tree");
    }
    if (m_geometry.v5 &&
        (crc32c_without(bytes, 52) != load_le<std::uint32_t>(bytes, 52) ||
         load_be<std::uint64_t>(bytes, 16) != m_geometry.byte_of(m_group, block) / k_sector_size ||
         !has_bytes(bytes, 32, m_geometry.meta_uuid) ||
         load_be<std::uint32_t>(bytes, 48) != m_group)) {
      damaged("free-space tree");
    }
    m_tree_blocks.push_back(block);
    return bytes;
  }

  void walk(std::uint32_t block, std::uint32_t level, bool is_root) {
    const std::vector<std::byte> bytes = read_block(block, level);
    const std::size_t header = m_geometry.v5 ? 56 : 16;
    const std::size_t entries = load_be<std::uint16_t>(bytes, 6);
    // A leaf has records of 8 bytes; a node has keys of 8, and behind the last possible one
    // pointers.
    const std::size_t room = (bytes.size() - header) / (level == 0 ? 8 : 12);
    const bool may_be_empty = is_root && level == 0;  // a full group
    if (entries > room || (entries == 0 && !may_be_empty)) {
      damaged("free-space tree");
    }
    for (std::size_t i = 0; i < entries; ++i) {
      if (level == 0) {
        add(load_be<std::uint32_t>(bytes, header + 8 * i),
            load_be<std::uint32_t>(bytes, header + 8 * i + 4));
      } else {
        walk(load_be<std::uint32_t>(bytes, header + 8 * room + 4 * i), level - 1, false);
      }
    }
  }

  void add(std::uint32_t start, std::uint32_t count) {
    if (start < m_next || count == 0 || start >= m_size || count > m_size - start) {
      damaged("free-space tree");
    }
    m_next = start + count;
    m_free += count;
    if (m_group == m_geometry.log_group && start < m_geometry.log_start + m_geometry.log_blocks &&
        m_geometry.log_start < m_next) {
      refuse("it calls its own log free");
    }
    m_runs.add(m_geometry.byte_of(m_group, start),
               static_cast<std::uint64_t>(count) * m_geometry.block_size);
    m_records.push_back({start, count});
  }

  // A tree that calls its own blocks free is no tree.
  void check_tree_blocks() const {
    for (const std::uint32_t block : m_tree_blocks) {
      const auto after = std::upper_bound(
          m_records.begin(), m_records.end(), block,
          [](std::uint32_t value, const Record& record) { return value < record.start; });
      if (after != m_records.begin() && block - std::prev(after)->start < std::prev(after)->count) {
        damaged("free-space tree");
      }
    }
  }

  struct Record {
    std::uint32_t start;
    std::uint32_t count;
  };

  const Volume& m_volume;
  const XfsGeometry& m_geometry;
  std::uint32_t m_group;
  std::uint32_t m_size;
  FreeRuns& m_runs;
  std::uint32_t m_next = 0;  // no record may start before it
  std::uint64_t m_free = 0;
  std::vector<Record> m_records;
  std::vector<std::uint32_t> m_tree_blocks;
};

}  // namespace

std::vector<model::ByteRange> read_xfs_free(const Volume& volume) {
  const XfsGeometry geometry = read_xfs_superblock(volume);
  check_xfs_log(volume, geometry);
  FreeRuns runs;
  for (std::uint32_t group = 0; group < geometry.groups; ++group) {
    GroupReader(volume, geometry, group, runs).read();
  }
  return runs.take();
}

}  // namespace vmconvert::allocation
