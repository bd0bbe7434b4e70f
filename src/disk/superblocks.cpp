// Where the numbers come from: ext: Linux' Documentation/filesystems/ext4; XFS: the XFS Algorithms
// & Data Structures book; btrfs: its on-disk format page; swap: util-linux' swapheader.h; md:
// include/uapi/linux/raid/md_p.h; bcache: include/uapi/linux/bcache.h; ZFS: uberblock_impl.h;
// LVM2: lib/format_text/layout.h.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "disk/bytes.hpp"
#include "disk/condition.hpp"
#include "disk/signature.hpp"

namespace vmconvert::disk {
namespace {

using Bytes = std::span<const std::byte>;

constexpr std::size_t k_superblocks_head = 72 * k_kib;
constexpr std::size_t k_text_size = 4096;  // of a volume group's text: its name is at the start

// A part of a disk as a disk of its own.
class Window final : public BlockReader {
 public:
  Window(BlockReader& content, ByteCount offset, ByteCount length)
      : m_content(content), m_offset(offset), m_length(length) {}
  [[nodiscard]] ByteCount size() const override { return m_length; }
  void read(std::span<std::byte> buffer, ByteCount offset) override {
    m_content.read(buffer, m_offset + offset);
  }

 private:
  BlockReader& m_content;
  ByteCount m_offset;
  ByteCount m_length;
};

// Zeros stand for what lies behind the end.
std::vector<std::byte> read_piece(BlockReader& disk, std::uint64_t offset, std::size_t length) {
  const std::uint64_t size = disk.size().value;
  std::vector<std::byte> bytes(offset < size ? std::min<std::uint64_t>(length, size - offset) : 0);
  if (!bytes.empty()) {
    disk.read(bytes, ByteCount{offset});
  }
  bytes.resize(length);
  return bytes;
}

std::string uuid_at(Bytes bytes, std::size_t offset) {
  std::string text;
  for (std::size_t i = 0; i < 16; ++i) {
    text += i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "";
    text += fmt::format("{:02x}", load_le<std::uint8_t>(bytes, offset + i));
  }
  return text == "00000000-0000-0000-0000-000000000000" ? std::string() : text;
}

std::string label_at(Bytes bytes, std::size_t offset, std::size_t length) {
  const Bytes part = slice(bytes, offset, length);
  const std::string_view text(reinterpret_cast<const char*>(part.data()), part.size());
  return printable(text.substr(0, text.find('\0')));
}

void read_ext(Bytes head, model::Region& region) {
  constexpr std::size_t k_super = 1024;
  constexpr std::uint32_t k_needs_recovery = 4;
  const auto state = load_le<std::uint16_t>(head, k_super + 0x3a);
  region.dirty = (load_le<std::uint32_t>(head, k_super + 0x60) & k_needs_recovery) != 0 ||
                 (state & 1U) == 0;  // 1: unmounted cleanly
  region.errors = (state & 2U) != 0;
  region.uuid = uuid_at(head, k_super + 0x68);
  region.label = label_at(head, k_super + 0x78, 16);
}

void read_btrfs(Bytes head, model::Region& region) {
  constexpr std::size_t k_super = 64 * k_kib;
  region.uuid = uuid_at(head, k_super + 0x20);
  region.dirty = load_le<std::uint64_t>(head, k_super + 0x60) != 0;  // a log tree
  region.label = label_at(head, k_super + 0x12b, 256);
}

void read_swap(Bytes head, model::Region& region) {
  for (const std::size_t page : {4096U, 8192U, 16384U, 32768U, 65536U}) {
    const bool sleeping =
        has_text(head, page - 10, "S1SUSPEND") || has_text(head, page - 10, "S2SUSPEND") ||
        has_text(head, page - 10, "ULSUSPEND") || has_text(head, page - 10, "LINHIB0001");
    region.hibernated = region.hibernated || sleeping;
  }
  region.uuid = uuid_at(head, 1036);
  region.label = label_at(head, 1052, 16);
}

// Version 1.x at byte 0 or 4096; 0.90 and 1.0 lie at the end, where nothing else shows them.
void read_raid(Bytes head, model::Region& region) {
  for (const std::size_t at : {std::size_t{0}, std::size_t{4096}}) {
    if (head.size() < at + 96) {  // what was read of the end is shorter than a head
      return;
    }
    if (load_le<std::uint32_t>(head, at) == 0xa92b4efc &&
        load_le<std::uint32_t>(head, at + 4) == 1) {
      region.raid_set = uuid_at(head, at + 16);
      region.label = label_at(head, at + 32, 32);
      region.raid_disks = load_le<std::uint32_t>(head, at + 92);
    }
  }
}

bool read_raid_at_end(BlockReader& disk, model::Region& region) {
  const std::uint64_t size = disk.size().value;
  if (size < 256 * k_kib) {
    return false;
  }
  const std::uint64_t old_place = size / (64 * k_kib) * (64 * k_kib) - 64 * k_kib;
  const auto old = read_piece(disk, old_place, 4096);
  if (load_le<std::uint32_t>(old, 0) == 0xa92b4efc && load_le<std::uint32_t>(old, 4) == 0) {
    region.raid_disks = load_le<std::uint32_t>(old, 40);
    region.raid_set = fmt::format("{:08x}-{:08x}-{:08x}-{:08x}", load_le<std::uint32_t>(old, 20),
                                  load_le<std::uint32_t>(old, 52), load_le<std::uint32_t>(old, 56),
                                  load_le<std::uint32_t>(old, 60));
    return true;
  }
  const std::uint64_t new_place = (size / k_sector_size - 16) / 8 * 8 * k_sector_size;
  const auto recent = read_piece(disk, new_place, 4096);
  if (load_le<std::uint32_t>(recent, 0) == 0xa92b4efc && load_le<std::uint32_t>(recent, 4) == 1) {
    read_raid(recent, region);
    return true;
  }
  return false;
}

// The text of a volume group: `name {` on its first line and `id = "..."` on a following one.
void read_group_text(std::string_view text, model::Region& region) {
  std::string name;
  for (const std::string& line : lines(text.substr(0, k_text_size))) {
    const std::string_view trimmed = trim(line);
    if (name.empty() && trimmed.ends_with("{")) {
      name = trim(trimmed.substr(0, trimmed.size() - 1));
    } else if (!name.empty() && trimmed.starts_with("id = \"") && trimmed.ends_with("\"")) {
      region.group_name = printable(name).substr(0, 128);
      region.group_uuid = printable(trimmed.substr(6, trimmed.size() - 7)).substr(0, 64);
      return;
    }
  }
}

void read_physical_volume(BlockReader& disk, Bytes head, model::Region& region) {
  for (std::size_t label = 0; label < 4 * k_sector_size; label += k_sector_size) {
    if (!has_text(head, label, "LABELONE") || !has_text(head, label + 24, "LVM2 001")) {
      continue;
    }
    region.uuid = label_at(head, label + 32, 32);
    // Behind the identity and the size: data areas, an empty one, metadata areas.
    std::size_t at = label + 72;
    while (at + 32 < label + 2 * k_sector_size && load_le<std::uint64_t>(head, at) != 0) {
      at += 16;
    }
    const auto area = load_le<std::uint64_t>(head, at + 16);
    const auto area_size = load_le<std::uint64_t>(head, at + 24);
    if (area == 0 || area >= disk.size().value) {
      return;
    }
    const auto header = read_piece(disk, area, k_sector_size);
    const auto text_at = load_le<std::uint64_t>(header, 40);
    const auto text_size = load_le<std::uint64_t>(header, 48);
    if (!has_text(header, 4, " LVM2 x[5A%r0N*>") || text_at >= area_size || text_size == 0) {
      return;
    }
    const std::uint64_t there = std::min(text_size, area_size - text_at);
    const auto text = read_piece(disk, area + text_at, std::min<std::uint64_t>(there, k_text_size));
    read_group_text({reinterpret_cast<const char*>(text.data()), text.size()}, region);
    return;
  }
}

bool is_zfs(BlockReader& disk) {
  constexpr std::uint64_t k_uberblocks = 128 * k_kib;
  const auto blocks = read_piece(disk, k_uberblocks, 128 * k_kib);
  for (std::size_t at = 0; at < blocks.size(); at += k_kib) {
    const auto magic = load_le<std::uint64_t>(blocks, at);
    if (magic == 0x00bab10c || magic == 0x0cb1ba0000000000U) {
      return true;
    }
  }
  return false;
}

bool is_bcache(Bytes head) {
  constexpr std::array<unsigned char, 16> k_magic = {0xc6, 0x85, 0x73, 0xf6, 0x4e, 0x1a,
                                                     0x45, 0xca, 0x82, 0x65, 0xf5, 0x7f,
                                                     0x48, 0xba, 0x6d, 0x81};
  return has_text(head, 4096 + 24, {reinterpret_cast<const char*>(k_magic.data()), k_magic.size()});
}

// What read_signature() has no word for, since only checks care.
std::string rare_signature(BlockReader& disk, Bytes head) {
  if (has_text(head, 3, "-FVE-FS-")) {
    return "BitLocker";
  }
  if (is_bcache(head)) {
    return "bcache";
  }
  return is_zfs(disk) ? "zfs_member" : "";
}

}  // namespace

model::Region read_region(BlockReader& content, ByteCount offset, ByteCount length) {
  Window disk(content, offset, length);
  const std::vector<std::byte> head = read_piece(disk, 0, k_superblocks_head);
  model::Region region;
  region.size = length;
  region.type = read_signature(disk);
  if (region.type == "ext") {
    read_ext(head, region);
  } else if (region.type == "xfs") {
    region.uuid = uuid_at(head, 32);
    region.label = label_at(head, 108, 12);
  } else if (region.type == "btrfs") {
    read_btrfs(head, region);
  } else if (region.type == "linux_raid_member") {
    read_raid(head, region);
  } else if (region.type == "LVM2_member") {
    read_physical_volume(disk, head, region);
  } else if (region.type == "swap") {
    read_swap(head, region);
  } else if (region.type == "crypto_LUKS") {
    region.uuid = label_at(head, 168, 40);
  } else if (const std::string rare = rare_signature(disk, head); !rare.empty()) {
    region.type = rare;
  } else if (region.type.empty()) {
    read_swap(head, region);  // put to sleep by something that read_signature() does not know
    region.type = region.hibernated ? "swap" : "";
  }
  // A member of a mirror with its superblock at the end looks like the filesystem in the array.
  model::Region member;
  if (region.raid_set.empty() && read_raid_at_end(disk, member)) {
    region.type = "linux_raid_member";
    region.raid_set = member.raid_set;
    region.raid_disks = member.raid_disks;
  }
  return region;
}

}  // namespace vmconvert::disk
