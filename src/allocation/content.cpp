#include "allocation/content.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <new>

#include "allocation/ext.hpp"
#include "allocation/lvm.hpp"
#include "allocation/swap.hpp"
#include "allocation/xfs.hpp"

namespace vmconvert::allocation {
namespace {

constexpr std::size_t k_head_size = 68 * k_kib;  // up to and with the btrfs superblock
constexpr std::uint32_t k_md_magic = 0xa92b4efc;

bool is_md_magic(const Volume& volume, std::uint64_t offset) {
  if (offset + 4 > volume.size()) {
    return false;
  }
  const std::vector<std::byte> bytes = volume.read(offset, 4);
  return load_le<std::uint32_t>(bytes, 0) == k_md_magic ||
         load_be<std::uint32_t>(bytes, 0) == k_md_magic;
}

// Members with the old formats (0.90, 1.0) start with their content, and end with the superblock.
bool is_md_member(const Volume& volume) {
  const std::uint64_t size = volume.size();
  const std::uint64_t old_end = size / (64 * k_kib) * (64 * k_kib);
  const std::uint64_t new_end = size / k_sector_size * k_sector_size;
  return is_md_magic(volume, 0) || is_md_magic(volume, 4096) ||
         (old_end >= 64 * k_kib && is_md_magic(volume, old_end - 64 * k_kib)) ||
         (new_end >= 8 * k_kib && is_md_magic(volume, (new_end - 8 * k_kib) / 4096 * 4096));
}

bool is_lvm_member(Bytes head) {
  return has_text(head, 0, "LABELONE") || has_text(head, 512, "LABELONE") ||
         has_text(head, 1024, "LABELONE") || has_text(head, 1536, "LABELONE");
}

bool is_swap(Bytes head) {
  // In place of SWAPSPACE2 while a hibernated system is in there: of the kernel, of uswsusp (two),
  // of the kernel's compressed images, of TuxOnIce.
  static constexpr std::array<std::string_view, 6> k_marks = {
      "SWAPSPACE2", "SWAP-SPACE", "S1SUSPEND", "S2SUSPEND", "ULSUSPEND", "LINHIB0001"};
  static constexpr std::array<std::size_t, 5> k_pages = {4096, 8192, 16384, 32768, 65536};
  return std::any_of(k_pages.begin(), k_pages.end(), [&](std::size_t page) {
    return std::any_of(k_marks.begin(), k_marks.end(),
                       [&](std::string_view mark) { return has_text(head, page - 10, mark); }) ||
           has_text(head, page - 10, "\xed\xc3\x02\xe9\x98\x56\xe5\x0c");
  });
}

bool is_ext(Bytes head) {
  return load_le<std::uint16_t>(head, 1024 + 56) == 0xef53;
}

bool is_dos(Bytes head) {
  return has_text(head, 54, "FAT") || has_text(head, 82, "FAT32") || has_text(head, 3, "NTFS") ||
         has_text(head, 3, "EXFAT");
}

bool is_other(Bytes head) {
  return has_text(head, 32769, "CD001") || has_text(head, 0, "hsqs") ||
         has_text(head, 65536 + 52, "ReIsEr") || has_text(head, 32768, "JFS1") ||
         has_text(head, 512, "EFI PART") || has_text(head, 1024, "\x10\x20\xf5\xf2");  // f2fs
}

// A table, not only a boot sector: an entry with a type, a start, a length, and a sane boot flag.
bool is_partitioned(Bytes head) {
  if (load_le<std::uint16_t>(head, 510) != 0xaa55) {
    return false;
  }
  for (std::size_t at = 446; at < 510; at += 16) {
    const auto flag = load_le<std::uint8_t>(head, at);
    if ((flag == 0 || flag == 0x80) && load_le<std::uint8_t>(head, at + 4) != 0 &&
        load_le<std::uint32_t>(head, at + 8) != 0 && load_le<std::uint32_t>(head, at + 12) != 0) {
      return true;
    }
  }
  return false;
}

enum class Kind { none, several, luks, md, lvm, btrfs, ext, xfs, swap, dos, table, other };

// Traces of two kinds are a riddle: an old superblock under a newer one that did not overwrite it.
Kind find_kind(const Volume& volume) {
  std::vector<std::byte> head = volume.read(0, std::min<std::uint64_t>(volume.size(), k_head_size));
  head.resize(k_head_size);
  const std::array<std::pair<Kind, bool>, 10> signs = {{
      {Kind::luks, has_text(head, 0, "LUKS\xba\xbe")},
      {Kind::md, is_md_member(volume)},
      {Kind::lvm, is_lvm_member(head)},
      {Kind::btrfs, has_text(head, 65536 + 64, "_BHRfS_M")},
      {Kind::ext, is_ext(head)},
      {Kind::xfs, has_text(head, 0, "XFSB")},
      {Kind::swap, is_swap(head)},
      {Kind::dos, is_dos(head)},
      {Kind::table, is_partitioned(head) && !is_dos(head)},
      {Kind::other, is_other(head)},
  }};
  Kind found = Kind::none;
  for (const auto& [kind, seen] : signs) {
    if (seen) {
      found = found == Kind::none ? kind : Kind::several;
    }
  }
  return found;
}

std::string name_of(Kind kind, const Volume& volume) {
  switch (kind) {
    case Kind::luks: return "LUKS";
    case Kind::md: return "RAID member";
    case Kind::lvm: return "LVM";
    case Kind::btrfs: return "btrfs";
    case Kind::ext: return ext_name(volume);
    case Kind::xfs: return "xfs";
    case Kind::swap: return "swap";
    case Kind::dos: return "FAT or NTFS";
    case Kind::table: return "partition table";
    case Kind::none:
    case Kind::several:
    case Kind::other: return "";
  }
  return "";
}

std::vector<model::ByteRange> read_free(Kind kind, const Volume& volume) {
  switch (kind) {
    case Kind::ext: return read_ext_free(volume);
    case Kind::xfs: return read_xfs_free(volume);
    case Kind::swap: return read_swap_free(volume);
    case Kind::none: refuse("what it holds is not known");
    case Kind::several: refuse("it has traces of more than one kind of content");
    case Kind::lvm: refuse("it is a physical volume inside a logical volume");
    case Kind::luks: refuse("it is encrypted");
    default: refuse("there is no reader for its allocation map");
  }
}

// The one place where what a disk holds may fail: whatever it is, the content then counts as used.
void guarded(Content& content, const std::function<void()>& body) {
  try {
    body();
    return;
  } catch (const Error& error) {
    content.why = error.message();
  } catch (const std::bad_alloc&) {
    content.why = "its map is larger than the memory for it";
  } catch (const std::exception& error) {
    content.why = error.what();
  }
  content.free.clear();
}

model::ByteRange outline(const std::vector<model::ByteRange>& pieces,
                         const model::ByteRange& region) {
  model::ByteRange whole = {pieces.front().offset, ByteCount{0}};
  for (const model::ByteRange& piece : pieces) {
    whole.length = ByteCount{whole.length.value + piece.length.value};
  }
  whole.length = std::min(whole.length, region.length);
  return whole;
}

Content read_logical_volume(const ByteSource& disk, const LogicalVolume& logical,
                            const model::ByteRange& region) {
  std::vector<model::ByteRange> pieces = logical.pieces;
  for (model::ByteRange& piece : pieces) {
    piece.offset = piece.offset + region.offset;
  }
  Content content = {outline(pieces, region), "LVM: " + logical.name, logical.why, {}};
  if (!logical.why.empty()) {
    return content;
  }
  guarded(content, [&] {
    const Volume volume(disk, pieces);
    const Kind kind = find_kind(volume);
    if (const std::string name = name_of(kind, volume); !name.empty()) {
      content.name += " " + name;
    }
    content.free = volume.on_disk(read_free(kind, volume));
  });
  return content;
}

// Appends the logical volumes; throws before it has appended anything.
void read_group(const ByteSource& disk, const Volume& volume, const model::ByteRange& region,
                std::vector<Content>& contents) {
  const PhysicalVolume physical = read_physical_volume(read_lvm_label(volume), volume.size());
  contents.front().name = "LVM: " + physical.group;
  contents.front().free = volume.on_disk(physical.unused);
  for (const LogicalVolume& logical : physical.volumes) {
    contents.push_back(read_logical_volume(disk, logical, region));
  }
}

}  // namespace

std::vector<Content> read_region(const ByteSource& disk, const model::ByteRange& region) {
  std::vector<Content> contents = {{region, {}, {}, {}}};
  guarded(contents.front(), [&] {
    const Volume volume(disk, {region});
    const Kind kind = find_kind(volume);
    contents.front().name = name_of(kind, volume);
    if (kind == Kind::lvm) {
      read_group(disk, volume, region, contents);
    } else {
      contents.front().free = volume.on_disk(read_free(kind, volume));
    }
  });
  if (!contents.front().why.empty()) {
    contents.resize(1);
  }
  return contents;
}

}  // namespace vmconvert::allocation
