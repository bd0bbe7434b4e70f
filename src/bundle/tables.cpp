#include "bundle/tables.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/error.hpp"
#include "bundle/names.hpp"

namespace vmconvert::bundle {
namespace {

constexpr std::string_view k_chunks_magic = "VMCCHNK1";
constexpr std::string_view k_leaves_magic = "VMCLEAF1";
constexpr std::size_t k_chunk_bytes = 48;

[[noreturn]] void refuse_table(const std::string& why) {
  throw Error(ErrorKind::bad_input, why, "the bundle was not made by vmconvert, or was changed");
}

class TableWriter {
 public:
  explicit TableWriter(std::string_view magic) { raw(as_bytes(magic)); }
  void raw(std::span<const std::byte> bytes) {
    m_bytes.insert(m_bytes.end(), bytes.begin(), bytes.end());
  }
  void number(std::uint64_t value, unsigned width) {
    for (unsigned i = 0; i < width; ++i) {
      m_bytes.push_back(static_cast<std::byte>(value >> (8U * i)));
    }
  }
  [[nodiscard]] std::vector<std::byte> take() { return std::move(m_bytes); }

 private:
  std::vector<std::byte> m_bytes;
};

class TableReader {
 public:
  TableReader(std::span<const std::byte> bytes, std::string_view magic) : m_rest(bytes) {
    if (bytes.size() < magic.size() || std::memcmp(bytes.data(), magic.data(), magic.size()) != 0) {
      refuse_table("it does not begin as such a table does");
    }
    m_rest = bytes.subspan(magic.size());
  }
  std::span<const std::byte> raw(std::size_t length) {
    if (m_rest.size() < length) {
      refuse_table("it ends too early");
    }
    const auto part = m_rest.first(length);
    m_rest = m_rest.subspan(length);
    return part;
  }
  std::uint64_t number(unsigned width) {
    std::uint64_t value = 0;
    const auto bytes = raw(width);
    for (unsigned i = width; i > 0; --i) {
      value = (value << 8U) | std::to_integer<std::uint64_t>(bytes[i - 1]);
    }
    return value;
  }
  [[nodiscard]] std::size_t left() const { return m_rest.size(); }

 private:
  std::span<const std::byte> m_rest;
};

}  // namespace

std::vector<std::byte> to_bytes(const Chunks& chunks) {
  TableWriter out(k_chunks_magic);
  out.number(chunks.size(), 8);
  for (const Chunk& chunk : chunks) {
    out.raw(chunk.digest);
    for (const std::uint32_t value : {chunk.pack, chunk.offset, chunk.stored, chunk.plain}) {
      out.number(value, 4);
    }
  }
  return out.take();
}

Chunks parse_chunks(std::span<const std::byte> bytes, std::size_t packs) {
  TableReader in(bytes, k_chunks_magic);
  const std::uint64_t count = in.number(8);
  if (in.left() % k_chunk_bytes != 0 || count != in.left() / k_chunk_bytes) {
    refuse_table(
        fmt::format("it says {} chunks, and has bytes for {}", count, in.left() / k_chunk_bytes));
  }
  Chunks chunks(count);
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    Chunk& chunk = chunks[i];
    const auto digest = in.raw(chunk.digest.size());
    std::copy(digest.begin(), digest.end(), chunk.digest.begin());
    for (std::uint32_t* value : {&chunk.pack, &chunk.offset, &chunk.stored, &chunk.plain}) {
      *value = static_cast<std::uint32_t>(in.number(4));
    }
    // What a reader makes room for is bounded here: no chunk unpacks to more than a leaf.
    if (chunk.pack >= packs || chunk.plain == 0 || chunk.plain > k_leaf_size || chunk.stored == 0 ||
        chunk.stored > chunk.plain || chunk.offset > 2 * k_pack_size) {
      refuse_table(
          fmt::format("chunk {} cannot be where it is said to be: pack {} of {}, {} bytes at {} "
                      "that become {}",
                      i, chunk.pack, packs, chunk.stored, chunk.offset, chunk.plain));
    }
  }
  return chunks;
}

std::uint64_t Leaves::length_of(std::uint64_t leaf) const {
  return std::min(k_leaf_size, m_size.value - leaf * k_leaf_size);
}

void Leaves::add(std::uint64_t leaf, std::uint32_t chunk) {
  if (m_runs.empty() || m_runs.back().first + m_runs.back().count != leaf) {
    m_runs.push_back({leaf, 0, m_chunks.size()});
  }
  ++m_runs.back().count;
  m_chunks.push_back(chunk);
}

Leaves::Found Leaves::find(std::uint64_t leaf) const {
  const auto next = std::upper_bound(m_runs.begin(), m_runs.end(), leaf,
                                     [](std::uint64_t l, const Run& run) { return l < run.first; });
  if (next != m_runs.begin()) {
    const Run& run = *std::prev(next);
    if (leaf < run.first + run.count) {
      return {false, m_chunks[run.at + (leaf - run.first)], run.first + run.count};
    }
  }
  return {true, 0, next == m_runs.end() ? count() : next->first};
}

Leaves Leaves::renamed(const std::vector<std::uint32_t>& names) const {
  Leaves made = *this;
  for (std::uint32_t& chunk : made.m_chunks) {
    chunk = names.at(chunk);
  }
  return made;
}

std::vector<std::byte> Leaves::to_bytes() const {
  TableWriter out(k_leaves_magic);
  out.number(m_size.value, 8);
  out.number(m_runs.size(), 8);
  for (const Run& run : m_runs) {
    out.number(run.first, 8);
    out.number(run.count, 8);
    for (std::uint64_t i = 0; i < run.count; ++i) {
      out.number(m_chunks[run.at + i], 4);
    }
  }
  return out.take();
}

Leaves Leaves::parse(std::span<const std::byte> bytes, const Chunks& chunks) {
  TableReader in(bytes, k_leaves_magic);
  Leaves leaves(ByteCount{in.number(8)});
  if (leaves.m_size.value > k_largest_disk) {
    refuse_table(fmt::format("a disk of {} bytes", leaves.m_size.value));
  }
  const std::uint64_t runs = in.number(8);
  std::uint64_t at = 0;
  for (std::uint64_t i = 0; i < runs; ++i) {
    const std::uint64_t first = in.number(8);
    const std::uint64_t count = in.number(8);
    if (first < at || first >= leaves.count() || count == 0 || count > leaves.count() - first ||
        count > in.left() / 4) {
      refuse_table(fmt::format("run {} cannot be: {} leaves from {} on", i, count, first));
    }
    leaves.m_runs.push_back({first, count, leaves.m_chunks.size()});
    for (std::uint64_t leaf = first; leaf < first + count; ++leaf) {
      const auto chunk = static_cast<std::uint32_t>(in.number(4));
      if (chunk >= chunks.size() || chunks[chunk].plain != leaves.length_of(leaf)) {
        refuse_table(fmt::format("leaf {} is chunk {}, which is not there or of another length",
                                 leaf, chunk));
      }
      leaves.m_chunks.push_back(chunk);
    }
    at = first + count;
  }
  if (in.left() != 0) {
    refuse_table(fmt::format("{} bytes behind its end", in.left()));
  }
  return leaves;
}

}  // namespace vmconvert::bundle
