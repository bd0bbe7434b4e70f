// Memory for direct I/O.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <span>

#include "base/owned.hpp"

namespace vmconvert::disk {

// Offsets, lengths and memory that direct I/O accepts on every device that we know of.
inline constexpr std::uint64_t k_direct_alignment = 4096;

// `size` is a multiple of k_direct_alignment; what it holds at first is not defined.
class AlignedBuffer {
 public:
  explicit AlignedBuffer(std::size_t size)
      : m_memory(std::aligned_alloc(k_direct_alignment, size)), m_size(size) {
    if (!m_memory) {
      throw std::bad_alloc();
    }
  }

  [[nodiscard]] std::span<std::byte> bytes() const {
    return {static_cast<std::byte*>(m_memory.get()), m_size};
  }

 private:
  Owned<void, std::free> m_memory;
  std::size_t m_size;
};

}  // namespace vmconvert::disk
