#include "disk/copy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>

#include "base/error.hpp"
#include "disk/bytes.hpp"
#include "disk/unit_reader.hpp"
#include "disk/units.hpp"

namespace vmconvert::disk {
namespace {

using model::Extent;
using model::ExtentKind;

// Skipped nodes are zeroed in one request a run of them, up to this many (1 GiB).
constexpr std::uint64_t k_longest_zero_run = k_gib / k_node_size;

static_assert(k_unit_size == k_node_size);

void require_cover(const CopyRequest& request) {
  ByteCount at;
  for (const Extent& extent : request.extents) {
    if (extent.offset != at || extent.length.value == 0) {
      throw Error(ErrorKind::internal,
                  fmt::format("the extents of {} break at byte {}", request.disk, at.value));
    }
    if (extent.kind == ExtentKind::patched && request.overlay == nullptr) {
      throw Error(ErrorKind::internal, fmt::format("no overlay to read {} from", request.disk));
    }
    at = at + extent.length;
  }
  if (at != request.size || request.manifest.head().size != request.size) {
    throw Error(
        ErrorKind::internal,
        fmt::format("the extents of {} end at byte {} of {}, its manifest at {}", request.disk,
                    at.value, request.size.value, request.manifest.head().size.value));
  }
}

// One node with something to read, or a run of nodes without.
struct Work {
  std::uint64_t node = 0;
  std::uint64_t count = 1;
  bool skipped = false;
};

std::vector<Work> make_work(const CopyRequest& request, std::uint64_t first,
                            std::uint64_t end_node) {
  std::vector<Work> work;
  auto extent = request.extents.begin();
  for (std::uint64_t node = first; node < end_node; ++node) {
    const ByteCount start{node * k_node_size};
    const ByteCount end = std::min(start + ByteCount{k_node_size}, request.size);
    while (extent->offset + extent->length <= start) {
      ++extent;
    }
    bool skipped = true;
    for (auto each = extent; each != request.extents.end() && each->offset < end; ++each) {
      skipped = skipped && each->kind == ExtentKind::skipped;
    }
    if (skipped && !work.empty() && work.back().skipped && work.back().count < k_longest_zero_run) {
      ++work.back().count;
    } else {
      work.push_back({node, 1, skipped});
    }
  }
  return work;
}

// Where the threads' time goes, to name what holds the copy up.
class TimeShares {
 public:
  enum Part { source, target, checksum, limit, k_parts };

  class Measured {
   public:
    Measured(TimeShares& shares, Part part) : m_shares(shares), m_part(part) {}
    Measured(const Measured&) = delete;
    Measured& operator=(const Measured&) = delete;
    ~Measured() {
      const auto took = std::chrono::steady_clock::now() - m_start;
      m_shares.m_spent[m_part] += static_cast<std::uint64_t>(took.count());
    }

   private:
    TimeShares& m_shares;
    Part m_part;
    std::chrono::steady_clock::time_point m_start = std::chrono::steady_clock::now();
  };

  [[nodiscard]] std::string largest() const {
    static constexpr std::array k_names = {"reading the source", "writing the target", "checksums",
                                           "the rate limit"};
    std::size_t best = 0;
    for (std::size_t i = 1; i < k_parts; ++i) {
      best = m_spent[i] > m_spent[best] ? i : best;
    }
    return m_spent[best] == 0 ? "" : k_names[best];
  }

 private:
  std::array<std::atomic<std::uint64_t>, k_parts> m_spent{};
};

class Copy {
 public:
  Copy(const CopyRequest& request, const model::ProgressSink& progress)
      : m_request(request),
        m_progress(progress),
        m_work(make_work(request, request.manifest.head().durable_nodes, request.manifest.nodes())),
        m_reader(request.extents, request.source, request.overlay),
        m_checkpoints(request.manifest, request.checkpoints, [this] { m_request.target.sync(); }) {
    const model::ExtentTotals sum = model::totals(request.extents);
    m_total = sum.patched + sum.needed;
    m_skipped = sum.skipped;
    const ByteCount durable =
        std::min(request.size, ByteCount{request.manifest.head().durable_nodes * k_node_size});
    m_resumed = durable.value > 0 ? m_reader.to_read({}, durable) : ByteCount{};
    m_read = m_resumed.value;
    m_written = written_before();
  }

  void run() {
    report({});
    try {
      for_each_unit(
          m_work.size(),
          [&](std::uint64_t index, std::span<std::byte> buffer) {
            const Work& work = m_work[index];
            const ByteCount read = work.skipped ? zero(work) : copy(work.node, buffer);
            m_checkpoints.finished(work.node, work.count, read);
            report(read);
          },
          m_request.share);
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::interrupted) {
        m_checkpoints.now();  // whoever asked us to stop may want to go on
      }
      throw;
    }
    m_checkpoints.now();
    m_request.target.finish();
    m_request.manifest.complete();
  }

  [[nodiscard]] CopyResult result() const {
    return {ByteCount{m_read}, ByteCount{m_written}, m_skipped, m_resumed};
  }

 private:
  void report(ByteCount read) {
    const std::lock_guard lock(m_mutex);  // the sink sees numbers that only grow
    m_read += read.value;
    if (m_progress) {
      m_progress(
          {"copy", m_request.disk, ByteCount{m_read}, m_total, m_skipped, m_shares.largest()});
    }
  }

  ByteCount zero(const Work& work) {
    const ByteCount from{work.node * k_node_size};
    const ByteCount to = std::min(from + ByteCount{work.count * k_node_size}, m_request.size);
    const TimeShares::Measured time(m_shares, TimeShares::target);
    m_request.target.write_zeros(from, to - from);
    return {};
  }

  ByteCount copy(std::uint64_t node, std::span<std::byte> buffer) {
    const ByteCount offset{node * k_node_size};
    buffer = buffer.first(std::min(k_node_size, (m_request.size - offset).value));
    const ByteCount read = m_reader.to_read(offset, ByteCount{buffer.size()});
    if (m_request.throttle != nullptr) {
      const TimeShares::Measured time(m_shares, TimeShares::limit);
      m_request.throttle->take(read);
    }
    {
      const TimeShares::Measured time(m_shares, TimeShares::source);
      m_reader.fill(offset, buffer);
    }
    NodeHashes leaves(m_request.manifest.leaves_of(node));
    {
      const TimeShares::Measured time(m_shares, TimeShares::checksum);
      for (std::size_t i = 0; i < leaves.size(); ++i) {
        const auto content = leaf(buffer, i);
        leaves[i] =
            is_zero(content) ? LeafHash{} : hash_of(m_request.manifest.head().hash, content);
      }
      m_request.manifest.set_node(node, leaves);
    }
    const TimeShares::Measured time(m_shares, TimeShares::target);
    store(offset, buffer, leaves);
    return read;
  }

  static std::span<std::byte> leaf(std::span<std::byte> buffer, std::size_t index) {
    const std::size_t start = index * k_leaf_size;
    return buffer.subspan(start, std::min<std::size_t>(k_leaf_size, buffer.size() - start));
  }

  // Which leaves are written: those with content, and zeros in runs that the target would rather
  // have written along.
  [[nodiscard]] std::vector<bool> to_write(const NodeHashes& leaves) const {
    const std::uint64_t shortest = m_request.target.shortest_zeros().value;
    std::vector<bool> write(leaves.size());
    for (std::size_t first = 0; first < leaves.size();) {
      const bool zero = is_zero_leaf(leaves[first]);
      std::size_t last = first;
      while (last < leaves.size() && is_zero_leaf(leaves[last]) == zero) {
        ++last;
      }
      const bool written = !zero || (last - first) * k_leaf_size < shortest;
      std::fill(write.begin() + static_cast<long>(first), write.begin() + static_cast<long>(last),
                written);
      first = last;
    }
    return write;
  }

  // By earlier processes, as they counted it: of two numbers of one copy, both must be of all of
  // it.
  [[nodiscard]] std::uint64_t written_before() const {
    std::uint64_t bytes = 0;
    for (const Work& work : make_work(m_request, 0, m_request.manifest.head().durable_nodes)) {
      if (work.skipped) {
        continue;
      }
      const std::vector<bool> write = to_write(m_request.manifest.node(work.node));
      for (std::size_t i = 0; i < write.size(); ++i) {
        const std::uint64_t start = work.node * k_node_size + i * k_leaf_size;
        bytes += write[i] ? std::min<std::uint64_t>(k_leaf_size, m_request.size.value - start) : 0;
      }
    }
    return bytes;
  }

  void store(ByteCount offset, std::span<const std::byte> buffer, const NodeHashes& leaves) {
    const std::vector<bool> write = to_write(leaves);
    for (std::size_t first = 0; first < leaves.size();) {
      std::size_t last = first;
      while (last < leaves.size() && write[last] == write[first]) {
        ++last;
      }
      const std::size_t from = first * k_leaf_size;
      const std::size_t to = std::min<std::size_t>(last * k_leaf_size, buffer.size());
      if (write[first]) {
        m_request.target.write(buffer.subspan(from, to - from), offset + ByteCount{from});
        m_written += to - from;
      } else {
        m_request.target.write_zeros(offset + ByteCount{from}, ByteCount{to - from});
      }
      first = last;
    }
  }

  const CopyRequest& m_request;
  const model::ProgressSink& m_progress;
  std::vector<Work> m_work;
  UnitReader m_reader;
  Checkpoints m_checkpoints;
  TimeShares m_shares;
  ByteCount m_total;
  ByteCount m_skipped;
  ByteCount m_resumed;
  std::mutex m_mutex;
  std::uint64_t m_read = 0;
  std::atomic<std::uint64_t> m_written = 0;
};

}  // namespace

LeafHash fingerprint(ByteCount size, const std::vector<Extent>& extents) {
  RunningHash hash(model::HashKind::sha256);
  const auto add = [&](std::uint64_t number) {
    std::array<std::byte, 8> bytes{};
    store_le<std::uint64_t>(bytes, 0, number);
    hash.add(bytes);
  };
  add(size.value);
  for (const Extent& extent : extents) {
    add(extent.offset.value);
    add(extent.length.value);
    add(static_cast<std::uint64_t>(extent.kind));
  }
  return hash.finish();
}

CopyResult copy_disk(const CopyRequest& request, const model::ProgressSink& progress) {
  require_cover(request);
  return while_doing(fmt::format("copying disk {}", request.disk), [&] {
    Copy copy(request, progress);
    copy.run();
    return copy.result();
  });
}

}  // namespace vmconvert::disk
