#include "allocation/volume.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>

namespace vmconvert::allocation {
namespace {

constexpr std::uint64_t k_far_end = std::numeric_limits<std::int64_t>::max();

// Rounded inwards; nothing if too little is left.
void push_aligned(std::vector<model::ByteRange>& runs, std::uint64_t start, std::uint64_t end) {
  const std::uint64_t first = (start + k_alignment - 1) / k_alignment * k_alignment;
  const std::uint64_t last = end / k_alignment * k_alignment;
  if (last > first && last - first >= k_shortest_run) {
    runs.push_back({ByteCount{first}, ByteCount{last - first}});
  }
}

}  // namespace

void refuse(const std::string& why) {
  throw Error(ErrorKind::unsupported, why);
}

void DescriptorSource::read(std::span<std::byte> buffer, std::uint64_t offset) const {
  while (!buffer.empty()) {
    const ssize_t got = ::pread(m_fd, buffer.data(), buffer.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got <= 0) {
      // No strerror: it may want to open a file of messages, and here nothing can be opened.
      throw Error(ErrorKind::bad_input,
                  got == 0 ? fmt::format("the disk ends before byte {}", offset)
                           : fmt::format("byte {} cannot be read (error {})", offset, errno));
    }
    buffer = buffer.subspan(static_cast<std::size_t>(got));
    offset += static_cast<std::uint64_t>(got);
  }
}

void MemorySource::read(std::span<std::byte> buffer, std::uint64_t offset) const {
  if (offset > m_bytes.size() || buffer.size() > m_bytes.size() - offset) {
    throw Error(ErrorKind::bad_input, fmt::format("the disk ends before byte {}", offset));
  }
  std::copy_n(m_bytes.begin() + static_cast<std::ptrdiff_t>(offset), buffer.size(), buffer.begin());
}

Volume::Volume(const ByteSource& source, std::vector<model::ByteRange> pieces)
    : m_source(source), m_pieces(std::move(pieces)) {
  for (const model::ByteRange& piece : m_pieces) {
    if (piece.offset.value > k_far_end || piece.length.value > k_far_end - piece.offset.value ||
        piece.length.value > k_far_end - m_size) {
      throw Error(ErrorKind::bad_input, "it is larger than a disk can be");
    }
    m_starts.push_back(m_size);
    m_size += piece.length.value;
  }
}

void Volume::read(std::span<std::byte> buffer, std::uint64_t offset) const {
  if (offset > m_size || buffer.size() > m_size - offset) {
    throw Error(ErrorKind::bad_input, "it points outside itself");
  }
  while (!buffer.empty()) {
    const auto after = std::upper_bound(m_starts.begin(), m_starts.end(), offset);
    const auto index = static_cast<std::size_t>(after - m_starts.begin()) - 1;
    const model::ByteRange& piece = m_pieces[index];
    const std::uint64_t inside = offset - m_starts[index];
    const std::size_t part = std::min<std::uint64_t>(buffer.size(), piece.length.value - inside);
    m_source.read(buffer.first(part), piece.offset.value + inside);
    buffer = buffer.subspan(part);
    offset += part;
  }
}

std::vector<std::byte> Volume::read(std::uint64_t offset, std::size_t length) const {
  if (offset > m_size || length > m_size - offset) {
    throw Error(ErrorKind::bad_input, "it points outside itself");  // before the memory is taken
  }
  std::vector<std::byte> bytes(length);
  read(bytes, offset);
  return bytes;
}

std::vector<model::ByteRange> Volume::on_disk(const std::vector<model::ByteRange>& runs) const {
  std::vector<model::ByteRange> found;
  std::size_t index = 0;
  for (const model::ByteRange& run : runs) {
    std::uint64_t at = run.offset.value;
    const std::uint64_t end = std::min(m_size, at + run.length.value);
    while (at < end) {
      while (m_starts[index] + m_pieces[index].length.value <= at) {
        ++index;
      }
      const model::ByteRange& piece = m_pieces[index];
      const std::uint64_t stop = std::min(end, m_starts[index] + piece.length.value);
      const std::uint64_t start = piece.offset.value + (at - m_starts[index]);
      push_aligned(found, start, start + (stop - at));
      at = stop;
    }
  }
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return a.offset < b.offset; });
  return found;
}

void FreeRuns::add(std::uint64_t offset, std::uint64_t length) {
  if (offset < m_end || length > k_far_end || offset > k_far_end - length) {
    throw Error(ErrorKind::bad_input, "its free space is not in order");
  }
  if (offset != m_end) {
    keep();
    m_start = offset;
  }
  m_end = offset + length;
}

void FreeRuns::keep() {
  if (m_end - m_start < m_shortest) {
    return;
  }
  m_runs.push_back({ByteCount{m_start}, ByteCount{m_end - m_start}});
  while (m_runs.size() > k_most_runs) {
    m_shortest *= 2;
    std::erase_if(m_runs, [&](const auto& run) { return run.length.value < m_shortest; });
  }
}

std::vector<model::ByteRange> FreeRuns::take() {
  keep();
  m_start = m_end = 0;
  return std::exchange(m_runs, {});
}

}  // namespace vmconvert::allocation
