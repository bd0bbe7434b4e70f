// A target disk, read segment by segment from whatever its bytes come from.
#pragma once

#include <memory>
#include <vector>

#include "disk/block_reader.hpp"

namespace vmconvert::disk {

// [offset, offset + length) of a reader.
struct Piece {
  std::shared_ptr<BlockReader> reader;
  ByteCount offset;
  ByteCount length;
};

class LayoutReader final : public BlockReader {
 public:
  explicit LayoutReader(std::vector<Piece> pieces);

  [[nodiscard]] ByteCount size() const override { return m_size; }
  void read(std::span<std::byte> buffer, ByteCount offset) override;
  Run run_at(ByteCount offset) override;

 private:
  [[nodiscard]] std::size_t piece_at(ByteCount offset) const;

  std::vector<Piece> m_pieces;  // none of length 0
  std::vector<ByteCount> m_starts;
  ByteCount m_size;
};

}  // namespace vmconvert::disk
