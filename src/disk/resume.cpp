#include "disk/resume.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <set>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "disk/bytes.hpp"
#include "disk/file_reader.hpp"
#include "disk/unit_reader.hpp"
#include "disk/units.hpp"
#include "disk/verify.hpp"

namespace vmconvert::disk {
namespace {

constexpr std::uint64_t k_samples = 64;

}  // namespace

bool was_finished(Manifest& manifest, const std::filesystem::path& path, model::DiskFormat format) {
  if (manifest.head().complete) {
    return true;
  }
  if (format != model::DiskFormat::qcow2 || manifest.head().durable_nodes < manifest.nodes()) {
    return false;  // a raw disk needs nothing at its end that the last interval does not do again
  }
  std::array<std::byte, 4> head{};
  pread_exactly(open_file(path, O_RDONLY).get(), head, 0, path.string());
  if (!has_text(head, 0, "QFI\xfb")) {
    return false;
  }
  manifest.complete();
  return true;
}

void recheck_target(Manifest& manifest, const std::filesystem::path& path, model::DiskFormat format,
                    const CheckpointPolicy& policy) {
  const std::uint64_t durable = manifest.head().durable_nodes;
  const std::uint64_t interval = (policy.bytes.value + k_node_size - 1) / k_node_size;
  const std::uint64_t from = durable - std::min(durable, interval);
  if (format != model::DiskFormat::raw) {
    manifest.trust_only(from);
    return;
  }
  FileReader target(path, path.string());
  manifest.trust_only(from + count_good_nodes(target, manifest, from, durable));
}

void recheck_source(const Manifest& manifest, const std::string& disk,
                    const std::vector<model::Extent>& extents, BlockReader& source,
                    BlockReader* overlay, const std::vector<ByteCount>& partition_starts) {
  const std::uint64_t durable = manifest.head().durable_nodes;
  std::set<std::uint64_t> chosen;
  for (const ByteCount start : partition_starts) {
    chosen.insert(start.value / k_node_size);
  }
  for (std::uint64_t i = 0; i < k_samples; ++i) {
    chosen.insert(i * durable / k_samples);
  }
  chosen.erase(chosen.lower_bound(durable), chosen.end());
  const std::vector<std::uint64_t> nodes(chosen.begin(), chosen.end());
  const UnitReader reader(extents, source, overlay);
  std::atomic<std::uint64_t> changed = UINT64_MAX;
  for_each_unit(nodes.size(), [&](std::uint64_t index, std::span<std::byte> buffer) {
    const std::uint64_t node = nodes[index];
    const ByteCount offset{node * k_node_size};
    buffer = buffer.first(std::min(k_node_size, manifest.head().size.value - offset.value));
    reader.fill(offset, buffer);
    const NodeHashes leaves = manifest.node(node);
    for (std::size_t i = 0; i < leaves.size(); ++i) {
      const std::size_t at = i * k_leaf_size;
      const auto leaf = buffer.subspan(at, std::min<std::size_t>(k_leaf_size, buffer.size() - at));
      if ((is_zero(leaf) ? LeafHash{} : hash_of(manifest.head().hash, leaf)) != leaves[i]) {
        changed = offset.value + at;
      }
    }
  });
  if (changed != UINT64_MAX) {
    throw Error(ErrorKind::refused,
                fmt::format("the source of disk {} has changed since the copy began: at byte {}, "
                            "for one",
                            disk, changed.load()),
                "take the job back (vmconvert undo JOB) and convert the guest as it is now");
  }
}

}  // namespace vmconvert::disk
