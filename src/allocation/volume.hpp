// What the readers read: a volume made of pieces of one disk, in the volume's order. A partition is
// one piece; a logical volume may be several.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "allocation/bytes.hpp"
#include "base/units.hpp"
#include "model/extent.hpp"

namespace vmconvert::allocation {

// Of free space, shorter stretches are not worth a line: they are copied.
inline constexpr std::uint64_t k_shortest_run = 64 * k_kib;
// Stretches start and end at multiples of this on the disk, for those who read past the page cache.
inline constexpr std::uint64_t k_alignment = 4 * k_kib;
// More stretches than this of one volume, or in one answer, and the shortest ones count as used.
inline constexpr std::size_t k_most_runs = 1U << 20U;

// The port behind which tests keep a disk in memory.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // Exactly these bytes, or Error(bad_input).
  virtual void read(std::span<std::byte> buffer, std::uint64_t offset) const = 0;
};

class DescriptorSource final : public ByteSource {
 public:
  explicit DescriptorSource(int fd) : m_fd(fd) {}
  void read(std::span<std::byte> buffer, std::uint64_t offset) const override;

 private:
  int m_fd;
};

class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(Bytes bytes) : m_bytes(bytes) {}
  void read(std::span<std::byte> buffer, std::uint64_t offset) const override;

 private:
  Bytes m_bytes;
};

class Volume {
 public:
  // Error(bad_input) for pieces whose ends or whose sum cannot be said in 63 bits.
  Volume(const ByteSource& source, std::vector<model::ByteRange> pieces);

  [[nodiscard]] std::uint64_t size() const { return m_size; }
  [[nodiscard]] const std::vector<model::ByteRange>& pieces() const { return m_pieces; }

  // Error(bad_input) outside the volume.
  void read(std::span<std::byte> buffer, std::uint64_t offset) const;
  [[nodiscard]] std::vector<std::byte> read(std::uint64_t offset, std::size_t length) const;

  // Where ascending stretches of the volume are on the disk; ascending, aligned, none too short.
  [[nodiscard]] std::vector<model::ByteRange> on_disk(
      const std::vector<model::ByteRange>& runs) const;

 private:
  const ByteSource& m_source;
  std::vector<model::ByteRange> m_pieces;
  std::vector<std::uint64_t> m_starts;  // of each piece in the volume
  std::uint64_t m_size = 0;
};

// Collects free stretches in ascending order, joins neighbours, drops the short ones, and never
// holds more than k_most_runs.
class FreeRuns {
 public:
  // Error(bad_input) if `offset` is before the end of what was added last.
  void add(std::uint64_t offset, std::uint64_t length);
  [[nodiscard]] std::vector<model::ByteRange> take();

 private:
  void keep();

  std::vector<model::ByteRange> m_runs;
  std::uint64_t m_start = 0;
  std::uint64_t m_end = 0;
  std::uint64_t m_shortest = k_shortest_run;
};

// What an allocation map cannot be used for, in words that follow "used whole: ".
[[noreturn]] void refuse(const std::string& why);

}  // namespace vmconvert::allocation
