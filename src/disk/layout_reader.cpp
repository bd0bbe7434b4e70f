#include "disk/layout_reader.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"

namespace vmconvert::disk {

LayoutReader::LayoutReader(std::vector<Piece> pieces) {
  for (Piece& piece : pieces) {
    if (piece.length.value > 0) {
      m_starts.push_back(m_size);
      m_size = m_size + piece.length;
      m_pieces.push_back(std::move(piece));
    }
  }
}

std::size_t LayoutReader::piece_at(ByteCount offset) const {
  const auto next = std::upper_bound(m_starts.begin(), m_starts.end(), offset);
  return static_cast<std::size_t>(next - m_starts.begin()) - 1;
}

void LayoutReader::read(std::span<std::byte> buffer, ByteCount offset) {
  if (offset > m_size || buffer.size() > (m_size - offset).value) {
    throw Error(ErrorKind::internal,
                fmt::format("reading {} bytes at byte {} of a disk of {} bytes", buffer.size(),
                            offset.value, m_size.value));
  }
  while (!buffer.empty()) {
    const std::size_t index = piece_at(offset);
    const Piece& piece = m_pieces[index];
    const ByteCount inside = offset - m_starts[index];
    const std::size_t length =
        std::min<std::uint64_t>(buffer.size(), (piece.length - inside).value);
    piece.reader->read(buffer.first(length), piece.offset + inside);
    buffer = buffer.subspan(length);
    offset = offset + ByteCount{length};
  }
}

Run LayoutReader::run_at(ByteCount offset) {
  const std::size_t index = piece_at(offset);
  const Piece& piece = m_pieces[index];
  const Run run = piece.reader->run_at(piece.offset + (offset - m_starts[index]));
  const ByteCount end = m_starts[index] + piece.length;
  return {run.zero, std::min(end, m_starts[index] + (run.end - piece.offset))};
}

}  // namespace vmconvert::disk
