// The port through which content is read: a file, a device, an NBD export, a composed layout.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/units.hpp"

namespace vmconvert::disk {

// What starts at an offset, and up to where it lasts. `zero` is a promise, not a reading.
struct Run {
  bool zero = false;
  ByteCount end;
};

class BlockReader {
 public:
  virtual ~BlockReader() = default;

  [[nodiscard]] virtual ByteCount size() const = 0;
  // Fills the buffer, or throws Error(io) naming the source and the byte. From any thread.
  virtual void read(std::span<std::byte> buffer, ByteCount offset) = 0;
  // offset < size(). From any thread. The default knows nothing: all is data.
  virtual Run run_at(ByteCount offset);
};

// Bytes that are in memory already.
class MemoryReader final : public BlockReader {
 public:
  explicit MemoryReader(std::vector<std::byte> bytes) : m_bytes(std::move(bytes)) {}
  [[nodiscard]] ByteCount size() const override { return {m_bytes.size()}; }
  void read(std::span<std::byte> buffer, ByteCount offset) override;

 private:
  std::vector<std::byte> m_bytes;
};

// Zeros, as many as one likes.
class ZeroReader final : public BlockReader {
 public:
  explicit ZeroReader(ByteCount size) : m_size(size) {}
  [[nodiscard]] ByteCount size() const override { return m_size; }
  void read(std::span<std::byte> buffer, ByteCount offset) override;
  Run run_at(ByteCount offset) override;

 private:
  ByteCount m_size;
};

}  // namespace vmconvert::disk
