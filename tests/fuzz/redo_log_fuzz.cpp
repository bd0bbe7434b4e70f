// What a finished disk still lacks, as it may lie in a state folder that somebody had their hands
// in. Its checksum is made here: nobody guesses that. Nothing but whole leaves of this disk may be
// written, and what is accepted is what the manifest then says.
#include "disk/redo_log.hpp"

#include <xxhash.h>

#include <optional>

#include "base/fd.hpp"
#include "disk/units.hpp"
#include "fuzz.hpp"

using namespace vmconvert;

namespace {

constexpr std::size_t k_redo_disk = 2 * disk::k_leaf_size + 512;  // the last leaf is a short one

}  // namespace

FUZZ_TARGET(redo_log) {
  std::string log(input.text());
  XXH128_canonical_t sum;
  XXH128_canonicalFromHash(&sum, XXH3_128bits(log.data(), log.size()));
  log.append(reinterpret_cast<const char*>(sum.digest), sizeof(sum.digest));
  const auto path = fuzz::scratch_file("redo", log);
  const auto target = fuzz::scratch_file("target", std::string(k_redo_disk, 'x'));
  const auto kept = fuzz::scratch_folder() / "manifest";
  std::filesystem::remove(kept);
  auto manifest = disk::Manifest::create(kept, {{}, ByteCount{k_redo_disk}, {}});
  std::optional<ByteCount> written;
  const bool accepted = fuzz::attempt([&] {
    written = disk::apply_redo_log(path, {"vda", target, model::DiskFormat::raw, {}}, manifest, {});
  });
  const std::string content = read_text_file(target, 2 * k_redo_disk);
  fuzz::require(content.size() == k_redo_disk, "the disk has another size");
  if (!accepted) {
    return;
  }
  for (std::size_t at = 0; at < k_redo_disk; at += disk::k_leaf_size) {
    const auto leaf = std::as_bytes(std::span(content))
                          .subspan(at)
                          .first(std::min<std::size_t>(disk::k_leaf_size, k_redo_disk - at));
    const bool zero = content.find_first_not_of('\0', at) >= at + leaf.size();
    const auto told = manifest.node(0).at(at / disk::k_leaf_size);
    const bool untouched = content.find_first_not_of('x', at) >= at + leaf.size();
    fuzz::require(untouched || told == (zero ? disk::LeafHash{}
                                             : disk::hash_of(model::HashKind::xxh3_128, leaf)),
                  "the manifest tells of something else than was written");
  }
}
