// The readers of allocation maps. The input is the start of a disk of 8 MiB of which the rest is
// zeros. Better seeds than those in the corpus are the first 256 KiB of small images of each kind:
// tests/fuzz/run --seeds FOLDER allocation
#include <algorithm>

#include "allocation/answer.hpp"
#include "allocation/content.hpp"
#include "fuzz.hpp"

namespace {

using namespace vmconvert;

constexpr std::uint64_t k_disk_size = 8 * k_mib;

class PaddedSource final : public allocation::ByteSource {
 public:
  explicit PaddedSource(allocation::Bytes bytes) : m_bytes(bytes) {}

  void read(std::span<std::byte> buffer, std::uint64_t offset) const override {
    if (offset > k_disk_size || buffer.size() > k_disk_size - offset) {
      throw Error(ErrorKind::bad_input, "the disk ends");
    }
    std::fill(buffer.begin(), buffer.end(), std::byte{0});
    if (offset < m_bytes.size()) {
      const std::size_t count = std::min<std::size_t>(buffer.size(), m_bytes.size() - offset);
      std::copy_n(m_bytes.begin() + static_cast<std::ptrdiff_t>(offset), count, buffer.begin());
    }
  }

 private:
  allocation::Bytes m_bytes;
};

}  // namespace

FUZZ_TARGET(allocation) {
  const PaddedSource disk(input.bytes());
  const model::ByteRange region = {ByteCount{0}, ByteCount{k_disk_size}};
  const std::vector<allocation::Content> contents = allocation::read_region(disk, region);
  for (const allocation::Content& content : contents) {
    std::uint64_t next = 0;
    for (const model::ByteRange& run : content.free) {
      fuzz::require(run.offset.value >= next &&
                        run.length.value <= k_disk_size - run.offset.value && content.why.empty(),
                    "free space that cannot be");
      next = run.offset.value + run.length.value;
    }
  }
  static_cast<void>(allocation::make_answer({region}, {contents}));
}
