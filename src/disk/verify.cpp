#include "disk/verify.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <optional>

#include "base/error.hpp"
#include "disk/aligned_buffer.hpp"
#include "disk/direct_file.hpp"
#include "disk/file_reader.hpp"
#include "disk/source.hpp"
#include "disk/units.hpp"

namespace vmconvert::disk {
namespace {

Error mismatch(const VerifyRequest& request, const std::string& what) {
  return {ErrorKind::mismatch,
          fmt::format("disk {}: {} {}", request.disk, request.path.string(), what),
          "check the target's storage (kernel log, SMART), then convert again"};
}

// The leaves of one node, read from the target and held against the manifest.
class NodeCheck {
 public:
  NodeCheck(BlockReader& target, const Manifest& manifest, ZeroCheck zeros)
      : m_target(target), m_manifest(manifest), m_zeros(zeros) {}

  // Where the first leaf starts that differs. `read` grows by what was read.
  std::optional<ByteCount> first_difference(std::uint64_t node, std::span<std::byte> buffer,
                                            ByteCount& read) {
    const NodeHashes leaves = m_manifest.node(node);
    const ByteCount start{node * k_node_size};
    buffer = buffer.first(std::min(k_node_size, (m_manifest.head().size - start).value));
    for (std::size_t first = 0; first < leaves.size();) {
      const bool zero = is_zero_leaf(leaves[first]);
      std::size_t last = first;
      while (last < leaves.size() && is_zero_leaf(leaves[last]) == zero) {
        ++last;
      }
      const std::size_t from = first * k_leaf_size;
      const std::size_t to = std::min<std::size_t>(last * k_leaf_size, buffer.size());
      const auto content = buffer.subspan(from, to - from);
      const ByteCount offset = start + ByteCount{from};
      const auto bad = zero
                           ? zeros_differ(offset, content, read)
                           : content_differs(offset, content, {&leaves[first], last - first}, read);
      if (bad) {
        return bad;
      }
      first = last;
    }
    return std::nullopt;
  }

 private:
  std::optional<ByteCount> content_differs(ByteCount offset, std::span<std::byte> content,
                                           std::span<const LeafHash> leaves, ByteCount& read) {
    m_target.read(content, offset);
    read = read + ByteCount{content.size()};
    for (std::size_t i = 0; i < leaves.size(); ++i) {
      const std::size_t at = i * k_leaf_size;
      const auto leaf =
          content.subspan(at, std::min<std::size_t>(k_leaf_size, content.size() - at));
      if (hash_of(m_manifest.head().hash, leaf) != leaves[i]) {
        return offset + ByteCount{at};
      }
    }
    return std::nullopt;
  }

  std::optional<ByteCount> zeros_differ(ByteCount offset, std::span<std::byte> content,
                                        ByteCount& read) {
    const ByteCount end = offset + ByteCount{content.size()};
    for (ByteCount at = offset; at < end;) {
      const Run run = m_target.run_at(at);
      const ByteCount until = std::min(run.end, end);
      if (!run.zero) {
        const auto part = content.subspan((at - offset).value, (until - at).value);
        if (const auto bad = not_zero(at, part, read)) {
          return bad;
        }
      }
      at = until;
    }
    return std::nullopt;
  }

  // The leaf that holds the first byte that is not zero.
  std::optional<ByteCount> not_zero(ByteCount at, std::span<std::byte> part, ByteCount& read) {
    const auto check = [&](std::size_t from, std::size_t length) -> std::optional<ByteCount> {
      const auto piece = part.subspan(from, length);
      m_target.read(piece, at + ByteCount{from});
      read = read + ByteCount{length};
      if (is_zero(piece)) {
        return std::nullopt;
      }
      const auto first =
          std::find_if(piece.begin(), piece.end(), [](std::byte b) { return b != std::byte{0}; });
      const std::uint64_t place =
          at.value + from + static_cast<std::uint64_t>(first - piece.begin());
      return ByteCount{place / k_leaf_size * k_leaf_size};
    };
    constexpr std::size_t k_end = k_direct_alignment;
    if (m_zeros == ZeroCheck::full || part.size() <= 2 * k_end) {
      return check(0, part.size());
    }
    const auto bad = check(0, k_end);
    return bad ? bad : check(part.size() - k_end, k_end);
  }

  BlockReader& m_target;
  const Manifest& m_manifest;
  ZeroCheck m_zeros;
};

class ReadBack {
 public:
  ReadBack(const VerifyRequest& request, BlockReader& target, const model::ProgressSink& progress,
           ZeroCheck zeros)
      : m_request(request), m_check(target, request.manifest, zeros), m_progress(progress) {}

  void node(std::uint64_t node, std::span<std::byte> buffer) {
    ByteCount read;
    const auto bad = m_check.first_difference(node, buffer, read);
    const ByteCount size = m_request.manifest.head().size;
    report(std::min(ByteCount{k_node_size}, size - ByteCount{node * k_node_size}), read);
    if (bad) {
      const std::lock_guard lock(m_mutex);
      m_first_bad = std::min(m_first_bad.value_or(*bad), *bad);
    }
  }

  void report(ByteCount passed, ByteCount read) {
    const std::lock_guard lock(m_mutex);
    m_done = m_done + passed;
    m_read = m_read + read;
    if (m_progress) {
      m_progress({"verify", m_request.disk, m_done, m_request.manifest.head().size, {}, ""});
    }
  }

  [[nodiscard]] std::optional<ByteCount> first_bad() const { return m_first_bad; }
  [[nodiscard]] ByteCount read() const { return m_read; }

 private:
  const VerifyRequest& m_request;
  NodeCheck m_check;
  const model::ProgressSink& m_progress;
  std::mutex m_mutex;
  std::optional<ByteCount> m_first_bad;
  ByteCount m_done;
  ByteCount m_read;
};

}  // namespace

VerifyResult verify_disk(const VerifyRequest& request, const model::ProgressSink& progress) {
  return while_doing(fmt::format("verifying disk {}", request.disk), [&] {
    sync_path(request.path);  // what is read below comes from the device, not from memory
    const auto target =
        open_image(request.path, request.format, request.sockets, request.path.string());
    const ByteCount size = request.manifest.head().size;
    const auto* file = dynamic_cast<const FileReader*>(target.get());
    const bool device = file != nullptr && file->block_device();
    if (device ? target->size() < size : target->size() != size) {
      throw mismatch(
          request, fmt::format("has {} bytes, expected are {}", target->size().value, size.value));
    }
    // In a file the holes are known, and what is left costs little.
    ReadBack back(request, *target, progress, device ? request.zeros : ZeroCheck::full);
    back.report({}, {});
    for_each_unit(request.manifest.nodes(), [&](std::uint64_t node, std::span<std::byte> buffer) {
      back.node(node, buffer);
    });
    if (back.first_bad()) {
      const ByteCount at = *back.first_bad();
      const std::string place =
          request.place ? request.place({at, std::min(ByteCount{k_leaf_size}, size - at)}) : "";
      throw mismatch(request, fmt::format("does not hold what was copied: the first difference is "
                                          "in the {} bytes from byte {} on{}{}",
                                          k_leaf_size, at.value, place.empty() ? "" : ": ", place));
    }
    return VerifyResult{back.read()};
  });
}

std::uint64_t count_good_nodes(BlockReader& target, const Manifest& manifest, std::uint64_t from,
                               std::uint64_t to) {
  NodeCheck check(target, manifest, ZeroCheck::full);
  std::mutex mutex;
  std::uint64_t good = to;
  for_each_unit(to - from, [&](std::uint64_t index, std::span<std::byte> buffer) {
    ByteCount read;
    if (check.first_difference(from + index, buffer, read)) {
      const std::lock_guard lock(mutex);
      good = std::min(good, from + index);
    }
  });
  return good - from;
}

}  // namespace vmconvert::disk
