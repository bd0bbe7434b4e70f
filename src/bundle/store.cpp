#include "bundle/store.hpp"

#include <cstring>
#include <limits>

#include "base/error.hpp"
#include "bundle/names.hpp"

namespace vmconvert::bundle {

// The digest of a stranger's content cannot be steered: its first bytes are as good as any hash.
std::size_t ChunkStore::DigestHash::operator()(const Digest& digest) const noexcept {
  std::size_t value = 0;
  std::memcpy(&value, digest.data(), sizeof value);
  return value;
}

void ChunkStore::adopt(const PackRecord& pack) {
  const auto number = static_cast<std::uint32_t>(m_packs.size());
  bool needed = false;
  for (Chunk chunk : pack.chunks) {
    chunk.pack = number;
    if (m_numbers.emplace(chunk.digest, static_cast<std::uint32_t>(m_chunks.size())).second) {
      m_chunks.push_back({chunk, false});
      needed = true;
    }
  }
  if (needed) {
    m_packs.push_back(pack.file);
  }
}

std::uint32_t ChunkStore::add(std::span<const std::byte> content, Compressor& compressor) {
  const Digest digest = sha256(content);
  std::uint32_t number = 0;
  {
    const std::lock_guard lock(m_mutex);
    if (m_chunks.size() == std::numeric_limits<std::uint32_t>::max()) {
      throw Error(ErrorKind::unsupported, "the guest's disks hold too much for one bundle");
    }
    const auto [found, is_new] =
        m_numbers.emplace(digest, static_cast<std::uint32_t>(m_chunks.size()));
    number = found->second;
    if (!is_new) {
      m_chunks[number].used = true;
      return number;
    }
    m_chunks.push_back({{digest, 0, 0, 0, static_cast<std::uint32_t>(content.size())}, true});
  }
  const std::span<const std::byte> stored = compressor.pack(content);
  Open full;
  {
    const std::lock_guard lock(m_mutex);
    if (!m_has_open) {
      m_open = {static_cast<std::uint32_t>(m_packs.size()), {}, {}};
      m_open.bytes.reserve(k_pack_size + k_leaf_size);
      m_packs.emplace_back();
      m_has_open = true;
    }
    Chunk& chunk = m_chunks[number].chunk;
    chunk.pack = m_open.number;
    chunk.offset = static_cast<std::uint32_t>(m_open.bytes.size());
    chunk.stored = static_cast<std::uint32_t>(stored.size());
    m_open.bytes.insert(m_open.bytes.end(), stored.begin(), stored.end());
    m_open.chunks.push_back(number);
    if (m_open.bytes.size() >= k_pack_size) {
      full = std::exchange(m_open, {});
      m_has_open = false;
    }
  }
  if (!full.bytes.empty()) {
    place(std::move(full));  // the others fill the next one meanwhile
  }
  return number;
}

void ChunkStore::place(Open pack) {
  PackRecord record;
  {
    const std::lock_guard lock(m_mutex);
    for (const std::uint32_t number : pack.chunks) {
      record.chunks.push_back(m_chunks[number].chunk);
    }
  }
  if (m_options.seal) {
    pack.bytes = m_options.seal(pack.bytes);
  }
  const Digest digest = sha256(pack.bytes);
  record.file = {pack_name(digest), pack.bytes.size(), digest};
  m_sink.put(record.file.path, pack.bytes);
  const std::lock_guard lock(m_mutex);
  m_packs[pack.number] = record.file;
  m_new_bytes += record.file.size;
  if (m_options.placed) {
    m_options.placed(record);
  }
}

ChunkStore::Result ChunkStore::finish() {
  if (m_has_open) {
    m_has_open = false;
    place(std::exchange(m_open, {}));
  }
  constexpr auto k_none = std::numeric_limits<std::uint32_t>::max();
  std::vector<std::uint32_t> pack_names(m_packs.size(), k_none);
  Result result;
  result.new_bytes = m_new_bytes;
  result.renamed.assign(m_chunks.size(), k_none);
  for (std::size_t i = 0; i < m_chunks.size(); ++i) {
    if (!m_chunks[i].used) {
      continue;
    }
    Chunk chunk = m_chunks[i].chunk;
    std::uint32_t& pack = pack_names[chunk.pack];
    if (pack == k_none) {
      pack = static_cast<std::uint32_t>(result.packs.size());
      result.packs.push_back(m_packs[chunk.pack]);
    }
    chunk.pack = pack;
    result.renamed[i] = static_cast<std::uint32_t>(result.chunks.size());
    result.chunks.push_back(chunk);
  }
  return result;
}

}  // namespace vmconvert::bundle
