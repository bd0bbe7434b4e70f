#include "disk/copy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <mutex>

#include "base/error.hpp"
#include "disk/units.hpp"

namespace vmconvert::disk {
namespace {

using model::Extent;
using model::ExtentKind;

// Zeros are left out in blocks of this size: a qcow2 cluster, and few enough holes in a file.
constexpr std::size_t k_hole_size = 64 * k_kib;

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
  if (at != request.size) {
    throw Error(ErrorKind::internal, fmt::format("the extents of {} end at byte {} of {}",
                                                 request.disk, at.value, request.size.value));
  }
}

class Copy {
 public:
  Copy(const CopyRequest& request, const model::ProgressSink& progress)
      : m_request(request), m_progress(progress), m_checksum(request.size) {
    const model::ExtentTotals sum = model::totals(request.extents);
    m_total = sum.patched + sum.needed;
  }

  void unit(ByteCount offset, std::span<std::byte> buffer) {
    const ByteCount read = fill(offset, buffer);
    if (read.value == 0) {
      m_request.target.write_zeros(offset, ByteCount{buffer.size()});
      return;
    }
    for (std::size_t at = 0; at < buffer.size(); at += k_chunk_size) {
      const auto chunk =
          buffer.subspan(at, std::min<std::size_t>(k_chunk_size, buffer.size() - at));
      m_checksum.set((offset.value + at) / k_chunk_size, chunk);
    }
    store(offset, buffer);
    report(read);
  }

  CopyResult result() && {
    return {ByteCount{m_read}, ByteCount{m_written}, m_request.size - m_total,
            std::move(m_checksum)};
  }

  void report(ByteCount read) {
    const std::lock_guard lock(m_mutex);  // the sink sees numbers that only grow
    m_read += read.value;
    if (m_progress) {
      m_progress({"copy", m_request.disk, ByteCount{m_read}, m_total});
    }
  }

 private:
  // The unit's content, zeros for what is skipped; returns how much was read.
  ByteCount fill(ByteCount offset, std::span<std::byte> buffer) {
    const ByteCount end = offset + ByteCount{buffer.size()};
    auto extent = std::upper_bound(m_request.extents.begin(), m_request.extents.end(), offset,
                                   [](ByteCount o, const Extent& e) { return o < e.offset; });
    ByteCount read;
    for (--extent; extent != m_request.extents.end() && extent->offset < end; ++extent) {
      const ByteCount from = std::max(extent->offset, offset);
      const ByteCount to = std::min(extent->offset + extent->length, end);
      const auto part = buffer.subspan((from - offset).value, (to - from).value);
      if (extent->kind == ExtentKind::skipped) {
        std::fill(part.begin(), part.end(), std::byte{0});
        continue;
      }
      (extent->kind == ExtentKind::patched ? *m_request.overlay : m_request.source)
          .read(part, from);
      read = read + ByteCount{part.size()};
    }
    return read;
  }

  // Runs of blocks with content are written, runs of zeros are zeroed.
  void store(ByteCount offset, std::span<const std::byte> buffer) {
    for (std::size_t at = 0; at < buffer.size();) {
      const bool zero = block_is_zero(buffer, at);
      std::size_t end = at;
      while (end < buffer.size() && block_is_zero(buffer, end) == zero) {
        end += std::min(k_hole_size, buffer.size() - end);
      }
      const ByteCount place = offset + ByteCount{at};
      if (zero) {
        m_request.target.write_zeros(place, ByteCount{end - at});
      } else {
        m_request.target.write(buffer.subspan(at, end - at), place);
        m_written += end - at;
      }
      at = end;
    }
  }

  static bool block_is_zero(std::span<const std::byte> buffer, std::size_t at) {
    return is_zero(buffer.subspan(at, std::min(k_hole_size, buffer.size() - at)));
  }

  const CopyRequest& m_request;
  const model::ProgressSink& m_progress;
  DiskChecksum m_checksum;
  ByteCount m_total;
  std::mutex m_mutex;
  std::uint64_t m_read = 0;
  std::atomic<std::uint64_t> m_written = 0;
};

}  // namespace

CopyResult copy_disk(const CopyRequest& request, const model::ProgressSink& progress) {
  require_cover(request);
  return while_doing(fmt::format("copying disk {}", request.disk), [&] {
    Copy copy(request, progress);
    copy.report({});
    for_each_unit(request.size, [&](ByteCount offset, std::span<std::byte> buffer) {
      copy.unit(offset, buffer);
    });
    request.target.finish();
    return std::move(copy).result();
  });
}

}  // namespace vmconvert::disk
