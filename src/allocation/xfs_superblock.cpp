#include <algorithm>
#include <bit>

#include "allocation/crc.hpp"
#include "allocation/xfs.hpp"

namespace vmconvert::allocation {
namespace {

// Bits of sb_versionnum. Not known: 0x0200, shared read-only filesystems, which no Linux ever
// wrote.
constexpr std::uint16_t k_version_bits = 0xfdf0;
constexpr std::uint16_t k_more_bits = 0x8000;  // sb_features2 counts
// sb_features2: lazy counters, attributes 2, parents, 32-bit projects, checksums, file types
constexpr std::uint32_t k_features2 = 0x39a;
// Free-inode tree, reverse map, reference counts, inode tree counts: none changes the free-space
// tree.
constexpr std::uint32_t k_ro_compat = 0xf;
// File types, sparse inodes, metadata UUID, big times, large extent counts, file exchange, parents.
constexpr std::uint32_t k_needs_repair = 0x10;
constexpr std::uint32_t k_meta_uuid = 0x4;
constexpr std::uint32_t k_incompat = 0xef;
constexpr std::uint32_t k_most_groups = 1U << 20U;  // 1 EiB in groups of 1 TiB

XfsUuid load_uuid(Bytes bytes, std::size_t offset) {
  XfsUuid uuid{};
  std::ranges::copy(slice(bytes, offset, uuid.size()), uuid.begin());
  return uuid;
}

void check_features(Bytes sb, bool v5) {
  const auto version = load_be<std::uint16_t>(sb, 100);
  const bool more = (version & k_more_bits) != 0;
  if ((version & ~(k_version_bits | 0xfU)) != 0 ||
      (more && (load_be<std::uint32_t>(sb, 200) & ~k_features2) != 0)) {
    refuse("it uses a feature that is not known here");
  }
  if (!v5) {
    return;
  }
  const auto incompat = load_be<std::uint32_t>(sb, 216);
  if ((incompat & k_needs_repair) != 0) {
    refuse("it is marked as in need of repair");
  }
  if ((load_be<std::uint32_t>(sb, 212) & ~k_ro_compat) != 0 || (incompat & ~k_incompat) != 0 ||
      load_be<std::uint32_t>(sb, 220) != 0) {  // what the log may hold: nothing once unmounted
    refuse("it uses a feature that is not known here");
  }
}

void check_geometry(Bytes sb, const XfsGeometry& geometry, const Volume& volume) {
  const auto block_log = load_be<std::uint8_t>(sb, 120);
  const auto sector_log = load_be<std::uint8_t>(sb, 121);
  const auto log_start = load_be<std::uint64_t>(sb, 48);
  const auto group_log = load_be<std::uint8_t>(sb, 124);
  const bool sane =
      std::has_single_bit(geometry.block_size) && geometry.block_size >= 512 &&
      geometry.block_size <= 64 * k_kib && block_log < 32 &&
      geometry.block_size == 1U << block_log && std::has_single_bit(geometry.sector_size) &&
      geometry.sector_size >= 512 && geometry.sector_size <= 32 * k_kib &&
      geometry.sector_size <= geometry.block_size && sector_log < 32 &&
      geometry.sector_size == 1U << sector_log && geometry.groups > 0 &&
      geometry.groups <= k_most_groups && geometry.group_blocks >= 16 && group_log < 32 &&
      geometry.group_blocks <= (1ULL << group_log) &&
      geometry.blocks <= static_cast<std::uint64_t>(geometry.groups) * geometry.group_blocks &&
      geometry.blocks > static_cast<std::uint64_t>(geometry.groups - 1) * geometry.group_blocks;
  if (!sane) {
    refuse("its superblock is damaged");
  }
  if (geometry.blocks > volume.size() / geometry.block_size) {
    refuse("it is larger than its place");
  }
  if (load_be<std::uint64_t>(sb, 16) != 0 || load_be<std::uint64_t>(sb, 24) != 0) {
    refuse("it has a realtime device");
  }
  if (log_start == 0) {
    refuse("its log is on another device");
  }
  const std::uint64_t log_group = log_start >> group_log;
  if (log_group >= geometry.groups) {
    refuse("its log is outside it");
  }
}

}  // namespace

XfsGeometry read_xfs_superblock(const Volume& volume) {
  const std::vector<std::byte> head = volume.read(0, 512);
  if (!has_text(head, 0, "XFSB")) {
    refuse("it has no superblock");
  }
  XfsGeometry geometry;
  geometry.sector_size = load_be<std::uint16_t>(head, 102);
  if (geometry.sector_size < 512 || geometry.sector_size > 32 * k_kib) {
    refuse("its superblock is damaged");
  }
  const std::vector<std::byte> sb = volume.read(0, geometry.sector_size);
  const unsigned version = load_be<std::uint16_t>(sb, 100) & 0xfU;
  if (version != 4 && version != 5) {
    refuse("it is of a version that is not known here");
  }
  geometry.v5 = version == 5;
  if (geometry.v5 && crc32c_without(sb, 224) != load_le<std::uint32_t>(sb, 224)) {
    refuse("its superblock has a wrong checksum");
  }
  geometry.block_size = load_be<std::uint32_t>(sb, 4);
  geometry.blocks = load_be<std::uint64_t>(sb, 8);
  geometry.group_blocks = load_be<std::uint32_t>(sb, 84);
  geometry.groups = load_be<std::uint32_t>(sb, 88);
  geometry.log_blocks = load_be<std::uint32_t>(sb, 96);
  geometry.uuid = load_uuid(sb, 32);
  const bool other_uuid = geometry.v5 && (load_be<std::uint32_t>(sb, 216) & k_meta_uuid) != 0;
  geometry.meta_uuid = load_uuid(sb, other_uuid ? 248 : 32);
  if (load_be<std::uint8_t>(sb, 126) != 0) {
    refuse("its making was not finished");
  }
  check_features(sb, geometry.v5);
  check_geometry(sb, geometry, volume);

  const auto log_start = load_be<std::uint64_t>(sb, 48);
  const auto group_log = load_be<std::uint8_t>(sb, 124);
  geometry.log_group = static_cast<std::uint32_t>(log_start >> group_log);
  geometry.log_start = static_cast<std::uint32_t>(log_start & ((1ULL << group_log) - 1));
  const std::uint32_t room = geometry.size_of_group(geometry.log_group);
  if (geometry.log_start >= room || geometry.log_blocks == 0 ||
      geometry.log_blocks > room - geometry.log_start) {
    refuse("its log is outside it");
  }
  return geometry;
}

}  // namespace vmconvert::allocation
