// One chunk to its stored form and back: a zstd frame, or plain where that would save too little.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "bundle/tables.hpp"

namespace vmconvert::bundle {

// One a thread: it keeps its memory from chunk to chunk.
class Compressor {
 public:
  explicit Compressor(int level);
  Compressor(Compressor&&) noexcept;
  Compressor& operator=(Compressor&&) noexcept;
  ~Compressor();

  // Valid until the next call.
  std::span<const std::byte> pack(std::span<const std::byte> plain);

 private:
  struct State;
  std::unique_ptr<State> m_state;
};

// Fills `plain`, which has the chunk's plain length, and holds it against the chunk's checksum.
// Error(bad_input) with the reason; the caller says which file.
void unpack(const Chunk& chunk, std::span<const std::byte> stored, std::span<std::byte> plain);

}  // namespace vmconvert::bundle
