// The checksums of a disk's content in a file, leaf by leaf: what verification compares with, what
// a copy goes on from after an interruption, what a later pass finds changes with.
//
// Format, version 1, numbers little-endian:
//   0     head A     (k_head_size bytes)       4096  head B
//   8192  node 0: the hashes of its 64 leaves; node 1; ...
// A leaf of zeros is stored as a hash of zero bytes, so that the file is as sparse as the disk. The
// two heads are written in turn, each with a sequence number and a checksum of its own: a crash
// while one is written leaves the other. Memory use does not depend on the disk's size.
#pragma once

#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.hpp"
#include "disk/leaf_hash.hpp"
#include "model/checksum.hpp"

namespace vmconvert::disk {

using NodeHashes = std::vector<LeafHash>;  // one a leaf; 64, fewer at the end of the disk

struct ManifestHead {
  model::HashKind hash = model::HashKind::xxh3_128;
  ByteCount size;
  LeafHash plan;  // of what was to be copied: another plan does not go on from here
  // The nodes below this one are on the target's device; nothing above is to be trusted.
  std::uint64_t durable_nodes = 0;
  bool complete = false;
};

class Manifest {
 public:
  // A new file, of a disk of zeros. Error(bad_input) if it exists.
  static Manifest create(const std::filesystem::path& path, ManifestHead head);
  // Error(bad_input) naming the file if it is damaged, cut short or of another version.
  static Manifest open(const std::filesystem::path& path);

  [[nodiscard]] const ManifestHead& head() const noexcept { return m_head; }
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return m_path; }
  [[nodiscard]] std::uint64_t nodes() const noexcept;
  [[nodiscard]] std::size_t leaves_of(std::uint64_t node) const;

  // From any thread, for different nodes.
  void set_node(std::uint64_t node, const NodeHashes& leaves);
  [[nodiscard]] NodeHashes node(std::uint64_t node) const;
  // For walks over sparse disks: the first node from `node` on that may hold anything but zeros.
  [[nodiscard]] std::uint64_t next_stored(std::uint64_t node) const;

  // On the device when it returns. The caller has made the target's nodes durable before.
  void checkpoint(std::uint64_t durable_nodes);
  void complete();
  // Nothing but these nodes is trusted from now on.
  void trust_only(std::uint64_t nodes);

  // The disk's checksum. Reads the whole manifest.
  [[nodiscard]] std::string root() const;

 private:
  Manifest(std::filesystem::path path, Fd fd, ManifestHead head, std::uint64_t sequence);
  void write_head();
  [[nodiscard]] std::uint64_t offset_of(std::uint64_t node) const;

  std::filesystem::path m_path;
  Fd m_fd;
  ManifestHead m_head;
  std::uint64_t m_sequence = 0;
};

// The zero leaf's place-holder.
inline bool is_zero_leaf(const LeafHash& leaf) {
  return leaf == LeafHash{};
}

}  // namespace vmconvert::disk
