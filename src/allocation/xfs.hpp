// XFS v4 and v5, by a reader of ours: superblock, the header of each allocation group (AGF), and
// its by-block free-space tree. Offsets are those of fs/xfs/libxfs/xfs_format.h in the kernel.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "allocation/volume.hpp"

namespace vmconvert::allocation {

using XfsUuid = std::array<std::byte, 16>;

// What the readers need of a superblock that has been checked. Numbers of filesystem blocks.
struct XfsGeometry {
  std::uint32_t block_size = 0;
  std::uint32_t sector_size = 0;
  std::uint64_t blocks = 0;
  std::uint32_t group_blocks = 0;  // of every allocation group but the last
  std::uint32_t groups = 0;
  std::uint32_t log_group = 0;  // the log is inside one group
  std::uint32_t log_start = 0;  // in that group
  std::uint32_t log_blocks = 0;
  bool v5 = false;      // checksums everywhere
  XfsUuid uuid{};       // as the log has it
  XfsUuid meta_uuid{};  // as the other structures have it

  [[nodiscard]] std::uint64_t byte_of(std::uint32_t group, std::uint32_t block) const {
    return (static_cast<std::uint64_t>(group) * group_blocks + block) * block_size;
  }
  [[nodiscard]] std::uint32_t size_of_group(std::uint32_t group) const {
    const std::uint64_t before = static_cast<std::uint64_t>(group) * group_blocks;
    return group + 1 < groups ? group_blocks : static_cast<std::uint32_t>(blocks - before);
  }
};

// Error if it is damaged, has features not known here, an external log, or a realtime device.
XfsGeometry read_xfs_superblock(const Volume& volume);

// Error unless the newest record of the log says "unmounted": until a log is replayed the trees
// lie, and not only a little (a crashed filesystem was seen to call 85 % of its files' space free).
void check_xfs_log(const Volume& volume, const XfsGeometry& geometry);

// What the trees call free. Error as above, or if anything in them cannot be.
std::vector<model::ByteRange> read_xfs_free(const Volume& volume);

}  // namespace vmconvert::allocation
