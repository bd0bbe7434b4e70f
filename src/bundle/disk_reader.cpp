#include "bundle/disk_reader.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "bundle/names.hpp"

namespace vmconvert::bundle {
namespace {

constexpr std::size_t k_most_recent = 512;  // 32 MiB

}  // namespace

DiskReader::DiskReader(std::shared_ptr<const Content> content, std::size_t disk)
    : m_content(std::move(content)), m_leaves(m_content->leaves(disk)) {}

void DiskReader::read(std::span<std::byte> buffer, std::uint64_t offset) {
  if (offset > size().value || buffer.size() > size().value - offset) {
    throw Error(ErrorKind::io, fmt::format("reading {} bytes at byte {} of a disk of {}",
                                           buffer.size(), offset, size().value));
  }
  while (!buffer.empty()) {
    const std::uint64_t leaf = offset / k_leaf_size;
    const std::uint64_t inside = offset % k_leaf_size;
    const std::uint64_t length = m_leaves.length_of(leaf);
    const auto part = buffer.first(std::min<std::uint64_t>(buffer.size(), length - inside));
    const Leaves::Found found = m_leaves.find(leaf);
    if (found.zero) {
      std::fill(part.begin(), part.end(), std::byte{0});
    } else if (part.size() == length) {
      m_content->read(m_content->chunks()[found.chunk], part);
    } else {
      const Plain plain = unpacked(found.chunk);
      const auto from = std::span(*plain).subspan(inside, part.size());
      std::copy(from.begin(), from.end(), part.begin());
    }
    buffer = buffer.subspan(part.size());
    offset += part.size();
  }
}

DiskReader::Plain DiskReader::unpacked(std::uint32_t chunk) {
  {
    const std::lock_guard lock(m_mutex);
    if (const auto found = m_places.find(chunk); found != m_places.end()) {
      m_recent.splice(m_recent.begin(), m_recent, found->second);
      return found->second->second;
    }
  }
  std::vector<std::byte> plain(m_content->chunks()[chunk].plain);
  m_content->read(m_content->chunks()[chunk], plain);
  auto made = std::make_shared<const std::vector<std::byte>>(std::move(plain));
  const std::lock_guard lock(m_mutex);
  if (m_places.count(chunk) == 0) {
    m_recent.emplace_front(chunk, made);
    m_places[chunk] = m_recent.begin();
    if (m_recent.size() > k_most_recent) {
      m_places.erase(m_recent.back().first);
      m_recent.pop_back();
    }
  }
  return made;
}

DiskReader::Run DiskReader::run_at(std::uint64_t offset) const {
  const Leaves::Found found = m_leaves.find(offset / k_leaf_size);
  return {found.zero, std::min(found.same_until * k_leaf_size, size().value)};
}

}  // namespace vmconvert::bundle
