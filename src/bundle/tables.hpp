// The two binary tables of a bundle, numbers little-endian.
//
// chunks:          "VMCCHNK1", count (8 bytes), then for each chunk its SHA-256 (32), and 4 bytes
// each of pack
//                  number, offset in the pack, stored length, plain length. Stored as zstd frame,
//                  or plain where the two lengths are equal.
// disks/N.leaves:  "VMCLEAF1", size of the disk (8), number of runs (8), then each run: first leaf
// (8), count (8),
//                  and for each leaf the number of its chunk (4). Leaves outside of all runs are
//                  zeros.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/units.hpp"
#include "bundle/digest.hpp"
#include "bundle/names.hpp"

namespace vmconvert::bundle {

struct Chunk {
  Digest digest{};
  std::uint32_t pack = 0;
  std::uint32_t offset = 0;
  std::uint32_t stored = 0;
  std::uint32_t plain = 0;
};
using Chunks = std::vector<Chunk>;

std::vector<std::byte> to_bytes(const Chunks& chunks);
// Error(bad_input) for anything that cannot be true of `packs` packs.
Chunks parse_chunks(std::span<const std::byte> bytes, std::size_t packs);

// Which chunk each leaf of a disk is.
class Leaves {
 public:
  explicit Leaves(ByteCount size = {}) : m_size(size) {}

  [[nodiscard]] ByteCount size() const { return m_size; }
  [[nodiscard]] std::uint64_t count() const {
    return (m_size.value + k_leaf_size - 1) / k_leaf_size;
  }
  [[nodiscard]] std::uint64_t length_of(std::uint64_t leaf) const;
  // In ascending order.
  void add(std::uint64_t leaf, std::uint32_t chunk);
  [[nodiscard]] std::size_t stored() const { return m_chunks.size(); }

  struct Found {
    bool zero = true;
    std::uint32_t chunk = 0;
    std::uint64_t same_until = 0;  // the first leaf from here on of the other sort: zero or not
  };
  [[nodiscard]] Found find(std::uint64_t leaf) const;

  // With other numbers for the same chunks.
  [[nodiscard]] Leaves renamed(const std::vector<std::uint32_t>& names) const;

  [[nodiscard]] std::vector<std::byte> to_bytes() const;
  // Error(bad_input) for anything that cannot be true with these chunks.
  static Leaves parse(std::span<const std::byte> bytes, const Chunks& chunks);

 private:
  struct Run {
    std::uint64_t first = 0;
    std::uint64_t count = 0;
    std::uint64_t at = 0;  // in m_chunks
  };
  ByteCount m_size;
  std::vector<Run> m_runs;
  std::vector<std::uint32_t> m_chunks;
};

}  // namespace vmconvert::bundle
