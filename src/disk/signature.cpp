#include "disk/signature.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "disk/bytes.hpp"

namespace vmconvert::disk {
namespace {

constexpr std::uint32_t k_md_magic = 0xa92b4efc;
constexpr std::size_t k_signatures_head = 68 * k_kib;  // up to and with the btrfs superblock

using Bytes = std::span<const std::byte>;

std::vector<std::byte> read_head(BlockReader& disk) {
  const std::uint64_t size = std::min<std::uint64_t>(disk.size().value, k_signatures_head);
  std::vector<std::byte> head(size);
  disk.read(head, ByteCount{0});
  head.resize(
      k_signatures_head);  // zeros behind a short disk: no check below needs a bound of its own
  return head;
}

bool is_raid_member(Bytes head) {
  return load_le<std::uint32_t>(head, 0) == k_md_magic ||
         load_le<std::uint32_t>(head, 4096) == k_md_magic;
}

bool is_lvm_member(Bytes head) {
  for (std::size_t sector = 0; sector < 4; ++sector) {
    const std::size_t at = sector * k_sector_size;
    if (has_text(head, at, "LABELONE") && has_text(head, at + 24, "LVM2 001")) {
      return true;
    }
  }
  return false;
}

bool is_swap(Bytes head) {
  static constexpr std::array<std::size_t, 5> k_page_sizes = {4096, 8192, 16384, 32768, 65536};
  return std::any_of(k_page_sizes.begin(), k_page_sizes.end(), [&](std::size_t page) {
    // S1SUSPEND and its like: a hibernated guest's swap
    return has_text(head, page - 10, "SWAPSPACE2") || has_text(head, page - 10, "SWAP-SPACE") ||
           has_text(head, page - 10, "S1SUSPEND") || has_text(head, page - 10, "S2SUSPEND");
  });
}

bool is_ext(Bytes head) {
  static constexpr std::size_t k_superblock = 1024;
  return load_le<std::uint16_t>(head, k_superblock + 56) == 0xef53 &&
         load_le<std::uint32_t>(head, k_superblock + 24) <= 6 &&  // block size: 1 KiB << n
         load_le<std::uint32_t>(head, k_superblock + 0) != 0;     // inodes
}

bool is_other(Bytes head) {
  return has_text(head, 54, "FAT") || has_text(head, 82, "FAT32") || has_text(head, 3, "NTFS") ||
         has_text(head, 3, "EXFAT") || has_text(head, 32769, "CD001") ||
         has_text(head, 0, "hsqs") || has_text(head, 65536 + 52, "ReIsEr") ||
         has_text(head, 32768, "JFS1");
}

}  // namespace

std::string read_signature(BlockReader& disk) {
  const std::vector<std::byte> head = read_head(disk);
  if (is_raid_member(head)) {
    return "linux_raid_member";
  }
  if (has_text(head, 0, "LUKS\xba\xbe")) {
    return "crypto_LUKS";
  }
  if (is_lvm_member(head)) {
    return "LVM2_member";
  }
  if (has_text(head, 0, "XFSB")) {
    return "xfs";
  }
  if (has_text(head, 65536 + 64, "_BHRfS_M")) {
    return "btrfs";
  }
  if (is_ext(head)) {
    return "ext";
  }
  if (is_swap(head)) {
    return "swap";
  }
  return is_other(head) ? "other" : "";
}

std::string read_loader(BlockReader& disk) {
  static constexpr std::size_t k_code_size = 440;
  static constexpr std::uint16_t k_core_address = 0x8000;  // where both GRUBs load their next stage
  std::vector<std::byte> sector(k_sector_size);
  if (disk.size() < ByteCount{k_sector_size}) {
    return "none";
  }
  disk.read(sector, ByteCount{0});
  const Bytes code(sector.data(), k_code_size);
  const bool empty =
      std::all_of(code.begin(), code.end(), [](std::byte byte) { return byte == std::byte{0}; });
  // A filesystem's superblock in sector 0 (XFS) is no loader, whatever its bytes are.
  if (load_le<std::uint16_t>(sector, 510) != 0xaa55 || empty || has_text(sector, 0, "XFSB")) {
    return "none";
  }
  const std::string_view text(reinterpret_cast<const char*>(code.data()), code.size());
  if (text.find("GRUB") == std::string_view::npos) {
    return "other";
  }
  if (load_le<std::uint16_t>(code, 0x5a) == k_core_address &&
      load_le<std::uint64_t>(code, 0x5c) != 0) {
    return "grub2";
  }
  // Stage 1 of GRUB legacy: its format's version at 0x3e, the address of its stage 2 at 0x42.
  const bool stage1 = load_le<std::uint8_t>(code, 0x3e) == 3;
  return stage1 ? "grub-legacy" : "other";
}

}  // namespace vmconvert::disk
