// What superblocks say. The input is a disk of 64 MiB by its pieces, zeros are between them: the
// start; behind the mark "64K!" what lies there; behind the mark "END!" the end.
#include <algorithm>

#include "disk/condition.hpp"
#include "disk/signature.hpp"
#include "fuzz.hpp"

using namespace vmconvert;

namespace {

class Pieces final : public disk::BlockReader {
 public:
  explicit Pieces(std::string_view input)
      : m_end(cut(input, "END!")), m_middle(cut(input, "64K!")), m_start(input) {}

  [[nodiscard]] ByteCount size() const override { return {64 * k_mib}; }
  void read(std::span<std::byte> buffer, ByteCount offset) override {
    fuzz::require(offset <= size() && buffer.size() <= (size() - offset).value,
                  "a read behind the end");
    std::fill(buffer.begin(), buffer.end(), std::byte{0});
    put(buffer, offset.value, m_start, 0);
    put(buffer, offset.value, m_middle, 64 * k_kib);
    put(buffer, offset.value, m_end, size().value - m_end.size());
  }

 private:
  // What is behind the mark; the text ends before it.
  static std::string_view cut(std::string_view& text, std::string_view mark) {
    const std::size_t at = text.find(mark);
    if (at == std::string_view::npos) {
      return {};
    }
    const std::string_view behind = text.substr(at + mark.size());
    text = text.substr(0, at);
    return behind;
  }

  static void put(std::span<std::byte> buffer, std::uint64_t offset, std::string_view piece,
                  std::uint64_t at) {
    const std::uint64_t first = std::max(offset, at);
    const std::uint64_t last = std::min(offset + buffer.size(), at + piece.size());
    for (std::uint64_t byte = first; byte < last; ++byte) {
      buffer[byte - offset] = static_cast<std::byte>(piece[byte - at]);
    }
  }

  // In this order: each is cut from what the one before has left.
  std::string_view m_end, m_middle, m_start;
};

}  // namespace

FUZZ_TARGET(superblock) {
  Pieces disk(input.text());
  static_cast<void>(disk::read_region(disk, {}, disk.size()));
  static_cast<void>(disk::read_region(disk, ByteCount{512}, ByteCount{1536}));
  static_cast<void>(disk::read_loader(disk));
}
