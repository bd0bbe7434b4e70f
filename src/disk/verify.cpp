#include "disk/verify.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>

#include "base/error.hpp"
#include "disk/source.hpp"
#include "disk/target_writers.hpp"
#include "disk/units.hpp"

namespace vmconvert::disk {
namespace {

Error mismatch(const VerifyRequest& request, const std::string& what) {
  return {ErrorKind::mismatch,
          fmt::format("disk {}: {} {}", request.disk, request.path.string(), what),
          "check the target's storage (kernel log, SMART), then convert again"};
}

class ReadBack {
 public:
  ReadBack(const VerifyRequest& request, BlockReader& target, const model::ProgressSink& progress)
      : m_request(request), m_target(target), m_progress(progress), m_checksum(request.size) {}

  void unit(ByteCount offset, std::span<std::byte> buffer) {
    const ByteCount read = fill(offset, buffer);
    for (std::size_t at = 0; read.value > 0 && at < buffer.size(); at += k_chunk_size) {
      const auto chunk =
          buffer.subspan(at, std::min<std::size_t>(k_chunk_size, buffer.size() - at));
      m_checksum.set((offset.value + at) / k_chunk_size, chunk);
    }
    report(ByteCount{buffer.size()}, read);
  }

  void report(ByteCount passed, ByteCount read) {
    const std::lock_guard lock(m_mutex);
    m_done = m_done + passed;
    m_read = m_read + read;
    if (m_progress) {
      m_progress({"verify", m_request.disk, m_done, m_request.size});
    }
  }

  [[nodiscard]] const DiskChecksum& checksum() const { return m_checksum; }
  [[nodiscard]] ByteCount read() const { return m_read; }

 private:
  ByteCount fill(ByteCount offset, std::span<std::byte> buffer) {
    const ByteCount end = offset + ByteCount{buffer.size()};
    ByteCount read;
    for (ByteCount at = offset; at < end;) {
      const Run run = m_target.run_at(at);
      const ByteCount until = std::min(run.end, end);
      const auto part = buffer.subspan((at - offset).value, (until - at).value);
      if (run.zero) {
        std::fill(part.begin(), part.end(), std::byte{0});
      } else {
        m_target.read(part, at);
        read = read + ByteCount{part.size()};
      }
      at = until;
    }
    return read;
  }

  const VerifyRequest& m_request;
  BlockReader& m_target;
  const model::ProgressSink& m_progress;
  DiskChecksum m_checksum;
  std::mutex m_mutex;
  ByteCount m_done;
  ByteCount m_read;
};

void compare(const VerifyRequest& request, const DiskChecksum& found) {
  if (request.chunks != nullptr) {
    if (const auto at = found.first_difference(*request.chunks)) {
      throw mismatch(request, fmt::format("does not hold what was copied: the first difference is "
                                          "in the {} bytes from byte {} on",
                                          k_chunk_size, at->value));
    }
  }
  if (found.text() != request.checksum) {
    throw mismatch(request, fmt::format("has the checksum {}, expected is {}", found.text(),
                                        request.checksum));
  }
}

}  // namespace

VerifyResult verify_disk(const VerifyRequest& request, const model::ProgressSink& progress) {
  return while_doing(fmt::format("verifying disk {}", request.disk), [&] {
    sync_path(request.path);  // what is read below comes from the device, not from memory
    const auto target =
        open_image(request.path, request.format, request.sockets, request.path.string());
    if (target->size() != request.size) {
      throw mismatch(request, fmt::format("has {} bytes, expected are {}", target->size().value,
                                          request.size.value));
    }
    ReadBack back(request, *target, progress);
    back.report({}, {});
    for_each_unit(request.size, [&](ByteCount offset, std::span<std::byte> buffer) {
      back.unit(offset, buffer);
    });
    compare(request, back.checksum());
    return VerifyResult{back.read(), back.checksum().text()};
  });
}

}  // namespace vmconvert::disk
