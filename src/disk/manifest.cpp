#include "disk/manifest.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/error.hpp"
#include "disk/bytes.hpp"

namespace vmconvert::disk {
namespace {

using model::HashKind;

constexpr std::size_t k_manifest_head = 4096;
constexpr std::uint64_t k_first_node = 2 * k_manifest_head;
constexpr std::string_view k_manifest_magic = "vmcmanif";
constexpr std::uint32_t k_version = 1;
constexpr std::size_t k_head_used = 96;  // its checksum stands behind
constexpr std::uint64_t k_largest_disk = std::uint64_t{1} << 56U;

using HeadBytes = std::array<std::byte, k_manifest_head>;

HeadBytes to_bytes(const ManifestHead& head, std::uint64_t sequence) {
  HeadBytes bytes{};
  std::memcpy(bytes.data(), k_manifest_magic.data(), k_manifest_magic.size());
  store_le<std::uint32_t>(bytes, 8, k_version);
  store_le<std::uint32_t>(bytes, 12, head.hash == HashKind::xxh3_128 ? 1 : 2);
  store_le<std::uint64_t>(bytes, 16, head.size.value);
  store_le<std::uint64_t>(bytes, 24, k_leaf_size);
  store_le<std::uint64_t>(bytes, 32, k_leaves_per_node);
  store_le<std::uint64_t>(bytes, 40, sequence);
  store_le<std::uint64_t>(bytes, 48, head.durable_nodes);
  store_le<std::uint64_t>(bytes, 56, head.complete ? 1 : 0);
  std::memcpy(bytes.data() + 64, head.plan.bytes.data(), head.plan.bytes.size());
  store_le<std::uint64_t>(bytes, k_head_used, XXH3_64bits(bytes.data(), k_head_used));
  return bytes;
}

struct ReadHead {
  ManifestHead head;
  std::uint64_t sequence = 0;
};

std::optional<ReadHead> from_bytes(const HeadBytes& bytes) {
  const bool whole =
      has_text(bytes, 0, k_manifest_magic) && load_le<std::uint32_t>(bytes, 8) == k_version &&
      load_le<std::uint64_t>(bytes, k_head_used) == XXH3_64bits(bytes.data(), k_head_used);
  const auto hash = load_le<std::uint32_t>(bytes, 12);
  const auto size = load_le<std::uint64_t>(bytes, 16);
  if (!whole || (hash != 1 && hash != 2) || size > k_largest_disk ||
      load_le<std::uint64_t>(bytes, 24) != k_leaf_size ||
      load_le<std::uint64_t>(bytes, 32) != k_leaves_per_node) {
    return std::nullopt;
  }
  ReadHead read;
  read.head.hash = hash == 1 ? HashKind::xxh3_128 : HashKind::sha256;
  read.head.size = ByteCount{size};
  read.sequence = load_le<std::uint64_t>(bytes, 40);
  read.head.durable_nodes = load_le<std::uint64_t>(bytes, 48);
  read.head.complete = load_le<std::uint64_t>(bytes, 56) == 1;
  std::memcpy(read.head.plan.bytes.data(), bytes.data() + 64, read.head.plan.bytes.size());
  return read;
}

std::uint64_t nodes_of(ByteCount size) {
  return (size.value + k_node_size - 1) / k_node_size;
}

Error damaged(const std::filesystem::path& path, const std::string& why) {
  return {ErrorKind::bad_input, fmt::format("the manifest {} {}", path.string(), why),
          "it cannot be used any more: convert again"};
}

}  // namespace

Manifest::Manifest(std::filesystem::path path, Fd fd, ManifestHead head, std::uint64_t sequence)
    : m_path(std::move(path)), m_fd(std::move(fd)), m_head(head), m_sequence(sequence) {}

Manifest Manifest::create(const std::filesystem::path& path, ManifestHead head) {
  Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd && errno == EEXIST) {
    throw Error(ErrorKind::bad_input, fmt::format("the manifest {} exists already", path.string()));
  }
  if (!fd) {
    throw_errno(errno, fmt::format("making {}", path.string()));
  }
  head.durable_nodes = 0;
  head.complete = false;
  Manifest manifest(path, std::move(fd), head, 0);
  const std::uint64_t length = manifest.offset_of(nodes_of(head.size));
  if (::ftruncate(manifest.m_fd.get(), static_cast<off_t>(length)) != 0) {
    throw_errno(errno, fmt::format("making {} {} bytes long", path.string(), length));
  }
  manifest.write_head();
  return manifest;
}

Manifest Manifest::open(const std::filesystem::path& path) {
  Fd fd = open_file(path, O_RDWR | O_NOFOLLOW);
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) {
    throw_errno(errno, fmt::format("looking at {}", path.string()));
  }
  if (!S_ISREG(status.st_mode) || status.st_size < static_cast<off_t>(k_first_node)) {
    throw damaged(path, "is cut short");
  }
  std::optional<ReadHead> best;
  for (std::size_t i = 0; i < 2; ++i) {
    HeadBytes bytes{};
    pread_exactly(fd.get(), bytes, i * k_manifest_head, path.string());
    const std::optional<ReadHead> head = from_bytes(bytes);
    if (head && (!best || head->sequence > best->sequence)) {
      best = head;
    }
  }
  if (!best) {
    throw damaged(path, "is damaged, or of another version");
  }
  Manifest manifest(path, std::move(fd), best->head, best->sequence);
  const std::uint64_t nodes = manifest.nodes();
  if (static_cast<std::uint64_t>(status.st_size) != manifest.offset_of(nodes) ||
      manifest.m_head.durable_nodes > nodes) {
    throw damaged(path, "has the wrong length for its disk");
  }
  return manifest;
}

std::uint64_t Manifest::nodes() const noexcept {
  return nodes_of(m_head.size);
}

std::uint64_t Manifest::offset_of(std::uint64_t node) const {
  return k_first_node + node * k_leaves_per_node * hash_length(m_head.hash);
}

std::size_t Manifest::leaves_of(std::uint64_t node) const {
  if (node >= nodes()) {
    throw Error(ErrorKind::internal,
                fmt::format("node {} of a disk of {} bytes", node, m_head.size.value));
  }
  const std::uint64_t bytes = std::min(k_node_size, m_head.size.value - node * k_node_size);
  return (bytes + k_leaf_size - 1) / k_leaf_size;
}

void Manifest::set_node(std::uint64_t node, const NodeHashes& leaves) {
  const std::size_t length = hash_length(m_head.hash);
  if (leaves.size() != leaves_of(node)) {
    throw Error(ErrorKind::internal, fmt::format("{} leaves for node {}", leaves.size(), node));
  }
  std::array<std::byte, k_leaves_per_node * sizeof(LeafHash)> packed{};
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    std::memcpy(packed.data() + i * length, leaves[i].bytes.data(), length);
  }
  pwrite_exactly(m_fd.get(), std::span(packed).first(leaves.size() * length), offset_of(node),
                 m_path.string());
}

NodeHashes Manifest::node(std::uint64_t node) const {
  const std::size_t length = hash_length(m_head.hash);
  NodeHashes leaves(leaves_of(node));
  std::array<std::byte, k_leaves_per_node * sizeof(LeafHash)> packed{};
  pread_exactly(m_fd.get(), std::span(packed).first(leaves.size() * length), offset_of(node),
                m_path.string());
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    std::memcpy(leaves[i].bytes.data(), packed.data() + i * length, length);
  }
  return leaves;
}

std::uint64_t Manifest::next_stored(std::uint64_t node) const {
  const off_t data = ::lseek(m_fd.get(), static_cast<off_t>(offset_of(node)), SEEK_DATA);
  if (data < 0) {
    return errno == ENXIO ? nodes() : node;  // ENXIO: nothing but holes; else: not known here
  }
  const std::uint64_t per_node = k_leaves_per_node * hash_length(m_head.hash);
  return std::max(node, (static_cast<std::uint64_t>(data) - k_first_node) / per_node);
}

void Manifest::write_head() {
  ++m_sequence;
  const HeadBytes bytes = to_bytes(m_head, m_sequence);
  pwrite_exactly(m_fd.get(), bytes, (m_sequence % 2) * k_manifest_head, m_path.string());
  if (::fdatasync(m_fd.get()) != 0) {
    throw_errno(errno, fmt::format("flushing {}", m_path.string()));
  }
}

void Manifest::checkpoint(std::uint64_t durable_nodes) {
  if (::fdatasync(m_fd.get()) != 0) {  // the leaves before the head that vouches for them
    throw_errno(errno, fmt::format("flushing {}", m_path.string()));
  }
  m_head.durable_nodes = durable_nodes;
  write_head();
}

void Manifest::complete() {
  m_head.complete = true;
  checkpoint(nodes());
}

void Manifest::trust_only(std::uint64_t nodes) {
  m_head.complete = false;
  m_head.durable_nodes = std::min(nodes, m_head.durable_nodes);
  write_head();
}

std::string Manifest::root() const {
  const HashKind kind = m_head.hash;
  const std::size_t length = hash_length(kind);
  const std::vector<std::byte> zeros(k_leaf_size);
  const LeafHash zero_leaf = hash_of(kind, zeros);
  std::vector<std::byte> buffer;
  const auto node_hash = [&](std::uint64_t index, const NodeHashes& leaves) {
    buffer.clear();
    for (std::size_t i = 0; i < leaves.size(); ++i) {
      const std::uint64_t start = index * k_node_size + i * k_leaf_size;
      const std::uint64_t size = std::min(k_leaf_size, m_head.size.value - start);
      const LeafHash leaf = !is_zero_leaf(leaves[i]) ? leaves[i]
                            : size == k_leaf_size    ? zero_leaf
                                                     : hash_of(kind, std::span(zeros).first(size));
      buffer.insert(buffer.end(), leaf.bytes.begin(),
                    leaf.bytes.begin() + static_cast<long>(length));
    }
    return hash_of(kind, buffer);
  };
  const LeafHash zero_node = nodes() > 1 ? node_hash(0, NodeHashes(k_leaves_per_node)) : LeafHash{};
  RunningHash root(kind);
  std::array<std::byte, 24> head{};
  store_le<std::uint64_t>(head, 0, m_head.size.value);
  store_le<std::uint64_t>(head, 8, k_leaf_size);
  store_le<std::uint64_t>(head, 16, k_leaves_per_node);
  root.add(head);
  for (std::uint64_t index = 0, stored = next_stored(0); index < nodes(); ++index) {
    if (stored < index) {
      stored = next_stored(index);
    }
    const bool zero = index < stored && leaves_of(index) == k_leaves_per_node &&
                      (index + 1) * k_node_size <= m_head.size.value;
    const LeafHash hash = zero ? zero_node : node_hash(index, node(index));
    root.add(std::span(hash.bytes).first(length));
  }
  return to_text(kind, root.finish());
}

}  // namespace vmconvert::disk
