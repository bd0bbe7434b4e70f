#include "disk/block_reader.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "disk/bytes.hpp"

namespace vmconvert::disk {

Run BlockReader::run_at(ByteCount offset) {
  static_cast<void>(offset);
  return {false, size()};
}

void MemoryReader::read(std::span<std::byte> buffer, ByteCount offset) {
  const auto part = slice(m_bytes, offset.value, buffer.size());
  std::copy(part.begin(), part.end(), buffer.begin());
}

void ZeroReader::read(std::span<std::byte> buffer, ByteCount offset) {
  if (offset > m_size || buffer.size() > (m_size - offset).value) {
    throw Error(ErrorKind::internal,
                fmt::format("reading zeros at byte {} of {}", offset.value, m_size.value));
  }
  std::fill(buffer.begin(), buffer.end(), std::byte{0});
}

Run ZeroReader::run_at(ByteCount offset) {
  static_cast<void>(offset);
  return {true, m_size};
}

}  // namespace vmconvert::disk
