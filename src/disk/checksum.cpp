#include "disk/checksum.hpp"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <memory>

#include "base/error.hpp"
#include "disk/bytes.hpp"

namespace vmconvert::disk {
namespace {

ChunkHash canonical(XXH128_hash_t hash) {
  XXH128_canonical_t form;
  XXH128_canonicalFromHash(&form, hash);
  ChunkHash bytes{};
  std::memcpy(bytes.data(), form.digest, bytes.size());
  return bytes;
}

ChunkHash hash_zeros(std::uint64_t length) {
  const std::vector<std::byte> zeros(length);
  return canonical(XXH3_128bits(zeros.data(), zeros.size()));
}

struct FreeState {
  void operator()(XXH3_state_t* state) const noexcept { XXH3_freeState(state); }
};

}  // namespace

DiskChecksum::DiskChecksum(ByteCount size) : m_size(size) {
  if (size.value == 0) {
    return;
  }
  const std::uint64_t count = (size.value - 1) / k_chunk_size + 1;
  const std::uint64_t last = size.value - (count - 1) * k_chunk_size;
  m_chunks.resize(count);
  if (count > 1) {
    std::fill(m_chunks.begin(), m_chunks.end(), hash_zeros(k_chunk_size));
  }
  m_chunks.back() = hash_zeros(last);
}

void DiskChecksum::set(std::size_t index, std::span<const std::byte> content) {
  const std::uint64_t start = index * k_chunk_size;
  if (index >= m_chunks.size() || content.size() != std::min(k_chunk_size, m_size.value - start)) {
    throw Error(ErrorKind::internal, fmt::format("chunk {} of {} bytes in a disk of {} bytes",
                                                 index, content.size(), m_size.value));
  }
  m_chunks[index] = canonical(XXH3_128bits(content.data(), content.size()));
}

std::string DiskChecksum::text() const {
  const std::unique_ptr<XXH3_state_t, FreeState> state(XXH3_createState());
  if (!state) {
    throw Error(ErrorKind::internal, "no memory for a checksum");
  }
  XXH3_128bits_reset(state.get());
  std::array<std::byte, 16> head{};
  store_le<std::uint64_t>(head, 0, m_size.value);
  store_le<std::uint64_t>(head, 8, k_chunk_size);
  XXH3_128bits_update(state.get(), head.data(), head.size());
  XXH3_128bits_update(state.get(), m_chunks.data(), m_chunks.size() * sizeof(ChunkHash));
  std::string text = "xxh3-128:";
  for (const std::byte byte : canonical(XXH3_128bits_digest(state.get()))) {
    text += fmt::format("{:02x}", std::to_integer<unsigned>(byte));
  }
  return text;
}

std::optional<ByteCount> DiskChecksum::first_difference(const DiskChecksum& other) const {
  const auto [ours, theirs] =
      std::mismatch(m_chunks.begin(), m_chunks.end(), other.m_chunks.begin(), other.m_chunks.end());
  if (ours == m_chunks.end() && theirs == other.m_chunks.end()) {
    return std::nullopt;
  }
  return ByteCount{static_cast<std::uint64_t>(ours - m_chunks.begin()) * k_chunk_size};
}

}  // namespace vmconvert::disk
