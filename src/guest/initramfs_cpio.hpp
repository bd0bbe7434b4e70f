// cpio archives in the "new ASCII" form, read from a stream of bytes.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace vmconvert::guest {

// Where bytes come from, a piece at a time.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // Valid until the next call; empty at the end.
  virtual std::string_view next() = 0;
};

class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(std::string_view data) : m_data(data) {}
  std::string_view next() override { return std::exchange(m_data, {}); }

 private:
  std::string_view m_data;
};

class ByteStream {
 public:
  explicit ByteStream(ByteSource& source) : m_source(source) {}

  bool at_end();
  // Exactly so many bytes; bad_input if the source ends before.
  std::string take(std::uint64_t count);
  void skip(std::uint64_t count);
  void skip_zeros();
  [[nodiscard]] std::uint64_t position() const { return m_position; }

 private:
  void advance(std::size_t count);

  ByteSource& m_source;
  std::string_view m_piece;
  std::uint64_t m_position = 0;
};

struct CpioEntry {
  std::string name;  // without a leading "/" or "./"
  unsigned mode = 0;
  unsigned links = 1;
  std::uint64_t size = 0;
};

// How much an image may hold altogether.
struct CpioBudget {
  std::size_t entries = 200'000;
  std::size_t name_bytes = 64U << 20U;
};

// Called for each entry but the folder itself; `content` reads what the file holds, at most once.
using CpioHandler =
    std::function<void(const CpioEntry& entry, const std::function<std::string()>& content)>;

bool starts_cpio(std::string_view data);

// One archive, up to and with its trailer. Throws bad_input.
void read_cpio(ByteStream& stream, CpioBudget& budget, const CpioHandler& handler);

}  // namespace vmconvert::guest
