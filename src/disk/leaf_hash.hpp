// The checksum of one leaf of a disk's content, and how a disk's one checksum comes from its
// leaves.
//
// The content is cut into leaves of 64 KiB (the last one may be shorter), 64 leaves make a node of
// 4 MiB. With H the chosen hash:
//   node  = H(its leaves' hashes, one behind the other)
//   root  = H(size in bytes, leaf size, leaves per node, each as 8 bytes little-endian; the nodes)
// XXH3-128 stands in xxHash's canonical form (16 bytes, big-endian), SHA-256 in 32 bytes.
// XXH3 finds corruption and is no signature; SHA-256 is for where an adversary matters.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "base/units.hpp"
#include "model/checksum.hpp"

namespace vmconvert::disk {

inline constexpr std::uint64_t k_leaf_size = 64 * k_kib;
inline constexpr std::uint64_t k_leaves_per_node = 64;
inline constexpr std::uint64_t k_node_size = k_leaf_size * k_leaves_per_node;

// Room for the longer of the two; what a shorter one does not use is zero.
struct LeafHash {
  std::array<std::byte, 32> bytes{};

  bool operator==(const LeafHash&) const = default;
};

// 16 or 32 bytes.
std::size_t hash_length(model::HashKind kind);
LeafHash hash_of(model::HashKind kind, std::span<const std::byte> content);

// A hash over more than fits into one buffer.
class RunningHash {
 public:
  explicit RunningHash(model::HashKind kind);
  RunningHash(const RunningHash&) = delete;
  RunningHash& operator=(const RunningHash&) = delete;
  ~RunningHash();

  void add(std::span<const std::byte> bytes);
  [[nodiscard]] LeafHash finish();

 private:
  struct State;
  std::unique_ptr<State> m_state;
};

// "xxh3-128:" or "sha256:", and hexadecimal digits.
std::string to_text(model::HashKind kind, const LeafHash& hash);

}  // namespace vmconvert::disk
