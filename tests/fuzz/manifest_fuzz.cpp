// A copy's manifest, as it may lie in a state folder that somebody had their hands in. The two
// heads get their checksums here: nobody guesses those.
#include "disk/manifest.hpp"

#include <xxhash.h>

#include "disk/bytes.hpp"
#include "fuzz.hpp"

using namespace vmconvert;

namespace {

constexpr std::size_t k_head = 4096;
constexpr std::size_t k_head_used = 96;
constexpr std::uint64_t k_most_nodes = 64;

}  // namespace

FUZZ_TARGET(manifest) {
  std::vector<std::byte> bytes(input.bytes().begin(), input.bytes().end());
  for (std::size_t at = 0; at < 2 * k_head && at + k_head <= bytes.size(); at += k_head) {
    disk::store_le<std::uint64_t>(bytes, at + k_head_used,
                                  XXH3_64bits(bytes.data() + at, k_head_used));
  }
  const auto path =
      fuzz::scratch_file("manifest", {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  const disk::Manifest manifest = disk::Manifest::open(path);
  fuzz::require(manifest.head().durable_nodes <= manifest.nodes(), "more nodes than there are");
  if (manifest.nodes() <= k_most_nodes) {
    for (std::uint64_t node = 0; node < manifest.nodes(); ++node) {
      fuzz::require(manifest.node(node).size() == manifest.leaves_of(node),
                    "a node of another size");
      fuzz::require(manifest.next_stored(node) >= node, "a step backwards");
    }
    static_cast<void>(manifest.root());
  }
}
