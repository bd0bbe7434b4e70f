// Fills one unit of a target disk from wherever the extents say.
#pragma once

#include <span>
#include <vector>

#include "disk/block_reader.hpp"
#include "model/extent.hpp"

namespace vmconvert::disk {

class UnitReader {
 public:
  // `extents` cover the disk, ascending. All of them outlive this object.
  UnitReader(const std::vector<model::Extent>& extents, BlockReader& source, BlockReader* overlay)
      : m_extents(extents), m_source(source), m_overlay(overlay) {}

  // How many bytes of [offset, offset + length) are to be read.
  [[nodiscard]] ByteCount to_read(ByteCount offset, ByteCount length) const;
  // The unit's content, zeros for what is skipped. `buffer` is aligned for direct I/O, and so is
  // `offset`. From any thread.
  void fill(ByteCount offset, std::span<std::byte> buffer) const;

 private:
  struct Part {
    model::ExtentKind kind = model::ExtentKind::skipped;
    ByteCount from;
    ByteCount to;
  };
  [[nodiscard]] std::vector<Part> parts(ByteCount offset, ByteCount end) const;
  void read_kind(model::ExtentKind kind, const std::vector<Part>& parts, ByteCount offset,
                 std::span<std::byte> buffer) const;

  const std::vector<model::Extent>& m_extents;
  BlockReader& m_source;
  BlockReader* m_overlay;
};

}  // namespace vmconvert::disk
