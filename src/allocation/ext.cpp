#include "allocation/ext.hpp"

#include <ext2fs/ext2_fs.h>
#include <ext2fs/ext2fs.h>
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <memory>

#include "allocation/ext_channel.hpp"

namespace vmconvert::allocation {
namespace {

// libext2fs has messages of its own, but looks for their translations in files.
[[noreturn]] void refuse_code(errcode_t code) {
  switch (code) {
    case EXT2_ET_UNSUPP_FEATURE:  // a journal of another filesystem, too
    case EXT2_ET_RO_UNSUPP_FEATURE: refuse("it uses a feature that is not known here");
    case EXT2_ET_SB_CSUM_INVALID: refuse("its superblock has a wrong checksum");
    case EXT2_ET_BLOCK_BITMAP_CSUM_INVALID: refuse("a block bitmap has a wrong checksum");
    case EXT2_ET_CORRUPT_SUPERBLOCK:
    case EXT2_ET_BAD_MAGIC: refuse("its superblock is damaged");
    case EXT2_ET_NO_MEMORY: refuse("its map is larger than the memory for it");
    case EXT2_ET_SHORT_READ: refuse("a part of it cannot be read");
    default: refuse(fmt::format("its structures cannot be read (libext2fs says {})", code));
  }
}

void check(errcode_t code) {
  if (code != 0) {
    refuse_code(code);
  }
}

void check_state(const ext2_super_block& super) {
  if ((super.s_feature_incompat & EXT3_FEATURE_INCOMPAT_RECOVER) != 0) {
    refuse("its journal has to be replayed first");
  }
  if ((super.s_state & EXT2_ERROR_FS) != 0 || super.s_error_count != 0) {
    refuse("it has recorded errors");
  }
  if ((super.s_state & EXT2_VALID_FS) == 0) {
    refuse("it was not unmounted cleanly");
  }
  constexpr std::uint32_t k_known_incompat = EXT2_LIB_FEATURE_INCOMPAT_SUPP;
  constexpr std::uint32_t k_known_ro_compat = EXT2_LIB_FEATURE_RO_COMPAT_SUPP;
  if ((super.s_feature_incompat & ~k_known_incompat) != 0 ||
      (super.s_feature_ro_compat & ~k_known_ro_compat) != 0) {
    refuse("it uses a feature that is not known here");
  }
}

// The places that no bitmap may call free, by what the group descriptors say.
void mark_group_metadata(ext2_filsys fs, dgrp_t group) {
  const auto mark = [&](blk64_t first, blk64_t count) {
    const blk64_t total = ext2fs_blocks_count(fs->super);
    if (first < fs->super->s_first_data_block || first >= total || count > total - first) {
      refuse("a block group's descriptor points outside it");
    }
    ext2fs_mark_block_bitmap_range2(fs->block_map, first, static_cast<unsigned>(count));
  };
  mark(ext2fs_block_bitmap_loc(fs, group), 1);
  mark(ext2fs_inode_bitmap_loc(fs, group), 1);
  mark(ext2fs_inode_table_loc(fs, group), fs->inode_blocks_per_group);
  ext2fs_reserve_super_and_bgd(fs, group, fs->block_map);
}

// Each stretch of blocks of [first, last] that the bitmap calls free.
template <class Each>
void for_each_free(ext2_filsys fs, blk64_t first, blk64_t last, Each each) {
  while (first <= last) {
    blk64_t start = 0;
    if (ext2fs_find_first_zero_block_bitmap2(fs->block_map, first, last, &start) != 0) {
      return;
    }
    start = std::max(start, first);  // bitmaps of clusters answer with a cluster's start
    blk64_t end = 0;
    if (ext2fs_find_first_set_block_bitmap2(fs->block_map, start, last, &end) != 0) {
      end = last + 1;
    }
    if (end <= start) {
      refuse("its bitmaps cannot be understood");
    }
    each(start, end - start);
    first = end;
  }
}

// A clean filesystem's counts agree with its bitmaps. Without checksums (ext2, ext3) that is the
// only proof that a bitmap is one.
void check_counts(ext2_filsys fs, dgrp_t group) {
  const std::uint64_t ratio = std::uint64_t{1} << static_cast<unsigned>(fs->cluster_ratio_bits);
  std::uint64_t clusters = 0;
  for_each_free(fs, ext2fs_group_first_block2(fs, group), ext2fs_group_last_block2(fs, group),
                [&](blk64_t, blk64_t count) { clusters += (count + ratio - 1) / ratio; });
  if (clusters != ext2fs_bg_free_blocks_count(fs, group)) {
    refuse(fmt::format("the bitmap of block group {} does not agree with its count", group));
  }
}

}  // namespace

// Before libext2fs takes memory by what the superblock says: it trusts more of it than the kernel
// does (a first block of 87 was seen to make it write behind its bitmap). The rules are the
// kernel's, in ext4_fill_super().
void check_ext_geometry(const Volume& volume) {
  const std::vector<std::byte> super = volume.read(SUPERBLOCK_OFFSET, SUPERBLOCK_SIZE);
  const auto number = [&](std::size_t at) -> std::uint64_t {
    return load_le<std::uint32_t>(super, at);
  };
  const std::uint64_t log_block = number(24);
  const std::uint64_t log_cluster = number(28);
  if (log_block > EXT2_MAX_BLOCK_LOG_SIZE - EXT2_MIN_BLOCK_LOG_SIZE || log_cluster > 20 ||
      log_cluster < log_block) {
    refuse("its superblock is damaged");
  }
  const std::uint64_t block_size = 1024ULL << log_block;
  const bool clusters = (number(100) & EXT4_FEATURE_RO_COMPAT_BIGALLOC) != 0;
  const std::uint64_t ratio = clusters ? 1ULL << (log_cluster - log_block) : 1;
  const std::uint64_t first = number(20);
  const std::uint64_t group_blocks = number(32);
  const std::uint64_t group_clusters = number(36);
  const std::uint64_t group_inodes = number(40);
  const auto inode_size = load_le<std::uint16_t>(super, 88);
  const bool dynamic = number(76) != 0;  // the revision: older ones have inodes of 128 bytes
  // With blocks of 1 KiB the boot block comes first; clusters start at block 0.
  const bool first_is_right = first == (block_size == 1024 && !clusters ? 1U : 0U) ||
                              (first == 1 && block_size == 1024 && ratio == 1);
  if (!first_is_right || group_clusters == 0 || group_clusters > 8 * block_size ||
      group_clusters % 8 != 0 || group_blocks != group_clusters * ratio || group_inodes == 0 ||
      group_inodes > 8 * block_size || (!clusters && log_cluster != log_block) ||
      (dynamic &&
       (!std::has_single_bit(inode_size) || inode_size < 128 || inode_size > block_size)) ||
      load_le<std::uint16_t>(super, 206) > block_size / 4) {
    refuse("its superblock is damaged");
  }
  std::uint64_t blocks = number(4);
  if ((number(96) & EXT4_FEATURE_INCOMPAT_64BIT) != 0) {
    blocks |= number(0x150) << 32U;
    const auto descriptor = load_le<std::uint16_t>(super, 254);
    if (!std::has_single_bit(descriptor) || descriptor < 64 || descriptor > 1024) {
      refuse("its superblock is damaged");
    }
  }
  if (blocks > volume.size() / block_size) {
    refuse("it is larger than its place");
  }
  const std::uint64_t groups =
      blocks <= first ? 0 : (blocks - first + group_blocks - 1) / group_blocks;
  if (groups == 0 || number(0) != groups * group_inodes) {
    refuse("its superblock is damaged");
  }
}

std::string ext_name(const Volume& volume) {
  const std::vector<std::byte> super = volume.read(SUPERBLOCK_OFFSET, SUPERBLOCK_SIZE);
  // What ext3 has besides ext2: the journal. All else came with ext4.
  constexpr std::uint32_t k_old_incompat = EXT2_FEATURE_INCOMPAT_FILETYPE |
                                           EXT3_FEATURE_INCOMPAT_RECOVER |
                                           EXT2_FEATURE_INCOMPAT_META_BG;
  constexpr std::uint32_t k_old_ro_compat =
      EXT2_FEATURE_RO_COMPAT_SPARSE_SUPER | EXT2_FEATURE_RO_COMPAT_LARGE_FILE;
  if ((load_le<std::uint32_t>(super, 96) & ~k_old_incompat) != 0 ||
      (load_le<std::uint32_t>(super, 100) & ~k_old_ro_compat) != 0) {
    return "ext4";
  }
  const bool journal = (load_le<std::uint32_t>(super, 92) & EXT3_FEATURE_COMPAT_HAS_JOURNAL) != 0;
  return journal ? "ext3" : "ext2";
}

std::vector<model::ByteRange> read_ext_free(const Volume& volume) {
  check_ext_geometry(volume);
  const ExtChannel channel(volume);
  ext2_filsys opened = nullptr;
  check(ext2fs_open2("volume", nullptr, EXT2_FLAG_64BITS, 0, 0, channel.manager(), &opened));
  const Filesystem fs(opened);
  check_state(*fs->super);
  if (ext2fs_blocks_count(fs->super) > volume.size() / fs->blocksize) {
    refuse("it is larger than its place");
  }
  for (dgrp_t group = 0; group < fs->group_desc_count; ++group) {
    if (ext2fs_group_desc_csum_verify(fs.get(), group) == 0) {
      refuse("a block group's descriptor has a wrong checksum");
    }
  }
  check(ext2fs_read_block_bitmap(fs.get()));
  for (dgrp_t group = 0; group < fs->group_desc_count; ++group) {
    check_counts(fs.get(), group);
  }
  for (dgrp_t group = 0; group < fs->group_desc_count; ++group) {
    mark_group_metadata(fs.get(), group);
  }
  FreeRuns runs;
  // From the first data block: with blocks of 1 KiB the boot block lies before it.
  for_each_free(fs.get(), fs->super->s_first_data_block, ext2fs_blocks_count(fs->super) - 1,
                [&](blk64_t start, blk64_t count) {
                  runs.add(start * fs->blocksize, count * fs->blocksize);
                });
  return runs.take();
}

}  // namespace vmconvert::allocation
