// The log is a ring of blocks of 512 bytes. Each block carries the number of the round ("cycle") in
// which it was written: in its second word where it is a record's header, else in its first.
// (fs/xfs/libxfs/xfs_log_format.h; what "clean" means: xlog_check_unmount_rec in
// xfs_log_recover.c.)
#include <algorithm>
#include <optional>

#include "allocation/xfs.hpp"

namespace vmconvert::allocation {
namespace {

constexpr std::uint64_t k_block = 512;
constexpr std::uint32_t k_header_magic = 0xfeedbabe;
constexpr std::uint32_t k_size_of_one_header = 32 * k_kib;  // of data that one header block covers
constexpr std::uint8_t k_unmount_flag = 0x20;
constexpr std::uint8_t k_log_client = 0xaa;
constexpr std::uint64_t k_largest_log = 2 * k_gib;

// A block of the log in the order of writing.
struct Position {
  std::uint32_t cycle = 0;
  std::uint64_t block = 0;

  auto operator<=>(const Position&) const = default;
};

struct Newest {
  Position written;                // of any block
  std::optional<Position> record;  // the newest header
};

// All of the log is looked at: after a crash a block in its middle may be the one that tells.
Newest find_newest(const Volume& volume, std::uint64_t start, std::uint64_t blocks) {
  static constexpr std::uint64_t k_blocks_at_once = 2048;
  Newest newest;
  std::vector<std::byte> buffer(k_blocks_at_once * k_block);
  for (std::uint64_t first = 0; first < blocks; first += k_blocks_at_once) {
    const std::uint64_t count = std::min(k_blocks_at_once, blocks - first);
    const std::span<std::byte> part(buffer.data(), count * k_block);
    volume.read(part, start + first * k_block);
    for (std::uint64_t i = 0; i < count; ++i) {
      const Bytes block = Bytes(part).subspan(i * k_block, 8);
      const bool header = load_be<std::uint32_t>(block, 0) == k_header_magic;
      const Position position{load_be<std::uint32_t>(block, header ? 4 : 0), first + i};
      newest.written = std::max(newest.written, position);
      if (header && (!newest.record || *newest.record < position)) {
        newest.record = position;
      }
    }
  }
  return newest;
}

}  // namespace

void check_xfs_log(const Volume& volume, const XfsGeometry& geometry) {
  const std::uint64_t start = geometry.byte_of(geometry.log_group, geometry.log_start);
  const std::uint64_t size = static_cast<std::uint64_t>(geometry.log_blocks) * geometry.block_size;
  if (size > k_largest_log) {
    refuse("its log is larger than a log can be");
  }
  const Newest newest = find_newest(volume, start, size / k_block);
  if (!newest.record) {
    refuse("its log cannot be understood");
  }
  const std::vector<std::byte> header =
      volume.read(start + newest.record->block * k_block, k_block);
  const auto version = load_be<std::uint32_t>(header, 8);
  const auto length = load_be<std::uint32_t>(header, 12);
  const auto iclog_size = load_be<std::uint32_t>(header, 320);
  const std::uint64_t header_blocks =
      version == 2 && iclog_size > k_size_of_one_header
          ? (static_cast<std::uint64_t>(iclog_size) + k_size_of_one_header - 1) /
                k_size_of_one_header
          : 1;
  if ((version != 1 && version != 2) || !has_bytes(header, 304, geometry.uuid)) {
    refuse("its log cannot be understood");
  }
  if (load_be<std::uint32_t>(header, 40) != 1) {  // operations in the record
    refuse("its log has to be replayed first");
  }
  const std::uint64_t data = newest.record->block + header_blocks;
  const std::uint64_t data_blocks = (static_cast<std::uint64_t>(length) + k_block - 1) / k_block;
  // The record is the last thing written, and ends before the ring does.
  const Position last{newest.record->cycle, data + data_blocks - 1};
  if (data_blocks == 0 || data + data_blocks > size / k_block || newest.written != last) {
    refuse("its log has to be replayed first");
  }
  const std::vector<std::byte> operation = volume.read(start + data * k_block, 16);
  if (load_be<std::uint8_t>(operation, 8) != k_log_client ||
      (load_be<std::uint8_t>(operation, 9) & k_unmount_flag) == 0) {
    refuse("its log has to be replayed first");
  }
}

}  // namespace vmconvert::allocation
