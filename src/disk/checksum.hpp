// The checksum of a disk's content, the same whatever it is stored in.
//
// The content is cut into chunks of 1 MiB (the last one may be shorter); each gets its XXH3-128.
// The disk's checksum is the XXH3-128 of: the size in bytes and the chunk size, each as 8 bytes
// little-endian, then the chunks' hashes in order, each in xxHash's canonical form (16 bytes,
// big-endian). A chunk of zeros has a hash that is known beforehand: holes cost nothing.
// It finds corruption; it is no signature.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/units.hpp"

namespace vmconvert::disk {

inline constexpr std::uint64_t k_chunk_size = k_mib;
using ChunkHash = std::array<std::byte, 16>;

class DiskChecksum {
 public:
  // Of a disk of zeros, to begin with.
  explicit DiskChecksum(ByteCount size = {});

  [[nodiscard]] ByteCount size() const noexcept { return m_size; }
  // The content of chunk `index`, whole. Different chunks may be set from different threads.
  void set(std::size_t index, std::span<const std::byte> content);
  // "xxh3-128:" and 32 hexadecimal digits.
  [[nodiscard]] std::string text() const;
  // Where the first chunk starts that differs; nothing if all are equal.
  [[nodiscard]] std::optional<ByteCount> first_difference(const DiskChecksum& other) const;

 private:
  ByteCount m_size;
  std::vector<ChunkHash> m_chunks;
};

}  // namespace vmconvert::disk
