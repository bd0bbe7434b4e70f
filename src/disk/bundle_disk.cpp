#include "disk/bundle_disk.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <limits>
#include <mutex>

#include "base/error.hpp"
#include "base/text.hpp"
#include "bundle/names.hpp"
#include "bundle/parallel.hpp"
#include "disk/aligned_buffer.hpp"
#include "disk/unit_reader.hpp"
#include "disk/units.hpp"

namespace vmconvert::disk {
namespace {

namespace fs = std::filesystem;
using model::Extent;
using model::ExtentKind;

constexpr std::uint64_t k_leaves_per_unit = k_unit_size / bundle::k_leaf_size;
constexpr std::uint32_t k_zero = std::numeric_limits<std::uint32_t>::max();

std::size_t number_of(const fs::path& leaves) {
  return static_cast<std::size_t>(parse_number(leaves.stem().string()).value());
}

fs::path folder_of(const fs::path& leaves) {
  return fs::absolute(leaves).parent_path().parent_path();
}

class Export {
 public:
  Export(const ExportRequest& request, const model::ProgressSink& progress)
      : m_request(request),
        m_progress(progress),
        m_reader(request.extents, request.source, nullptr) {
    const model::ExtentTotals sum = model::totals(request.extents);
    m_total = sum.needed;
    m_skipped = sum.skipped;
    find_work();
    m_chunks.resize(m_units.size());
  }

  ExportedDisk run() {
    report({});
    bundle::for_each_index(m_units.size(), [&](std::size_t index) {
      thread_local const AlignedBuffer buffer(k_unit_size);
      store(index, buffer.bytes());
    });
    ExportedDisk made{bundle::Leaves(m_request.size), ByteCount{m_read}, {}};
    for (std::size_t i = 0; i < m_units.size(); ++i) {
      for (std::size_t leaf = 0; leaf < k_leaves_per_unit; ++leaf) {
        if (m_chunks[i][leaf] != k_zero) {
          const std::uint64_t number = m_units[i] * k_leaves_per_unit + leaf;
          made.leaves.add(number, m_chunks[i][leaf]);
          made.data = made.data + ByteCount{made.leaves.length_of(number)};
        }
      }
    }
    return made;
  }

 private:
  // Units with nothing to read are not even begun.
  void find_work() {
    std::uint64_t next = 0;
    for (const Extent& extent : m_request.extents) {
      if (extent.kind == ExtentKind::skipped) {
        continue;
      }
      const std::uint64_t last = (extent.offset + extent.length).value - 1;
      for (next = std::max(next, extent.offset.value / k_unit_size); next <= last / k_unit_size;
           ++next) {
        m_units.push_back(next);
      }
    }
  }

  void store(std::uint64_t index, std::span<std::byte> buffer) {
    const ByteCount offset{m_units[index] * k_unit_size};
    buffer = buffer.first(std::min(k_unit_size, (m_request.size - offset).value));
    m_reader.fill(offset, buffer);
    bundle::Compressor compressor(m_request.bundle.level());
    auto& chunks = m_chunks[index];
    chunks.fill(k_zero);
    for (std::size_t leaf = 0; leaf * bundle::k_leaf_size < buffer.size(); ++leaf) {
      const auto rest = buffer.subspan(leaf * bundle::k_leaf_size);
      const auto content = rest.first(std::min<std::size_t>(rest.size(), bundle::k_leaf_size));
      if (!is_zero(content)) {
        chunks[leaf] = m_request.bundle.store().add(content, compressor);
      }
    }
    report(m_reader.to_read(offset, ByteCount{buffer.size()}));
  }

  void report(ByteCount read) {
    const std::lock_guard lock(m_mutex);  // the sink sees numbers that only grow
    m_read += read.value;
    if (m_progress) {
      m_progress({"export", m_request.disk, ByteCount{m_read}, m_total, m_skipped, ""});
    }
  }

  const ExportRequest& m_request;
  const model::ProgressSink& m_progress;
  UnitReader m_reader;
  ByteCount m_total;
  ByteCount m_skipped;
  std::vector<std::uint64_t> m_units;
  std::vector<std::array<std::uint32_t, k_leaves_per_unit>> m_chunks;
  std::mutex m_mutex;
  std::uint64_t m_read = 0;
};

}  // namespace

bool is_bundle_disk(const fs::path& path) {
  std::error_code ignored;
  return bundle::is_leaves_name((path.parent_path().filename() / path.filename()).string()) &&
         fs::is_regular_file(folder_of(path) / bundle::k_manifest_name, ignored);
}

BundleReader::BundleReader(const fs::path& leaves)
    : m_disk(bundle::Content::open(folder_of(leaves)), number_of(leaves)) {}

void BundleReader::read(std::span<std::byte> buffer, ByteCount offset) {
  m_disk.read(buffer, offset.value);
}

Run BundleReader::run_at(ByteCount offset) {
  const auto run = m_disk.run_at(offset.value);
  return {run.zero, ByteCount{run.end}};
}

NbdServer serve_bundle(const fs::path& leaves, const SourceFolders& folders) {
  fs::path socket = new_socket_path(folders.sockets, "bundle");
  const std::vector<std::string> argv = {"nbdkit",
                                         "--foreground",
                                         "--exit-with-parent",
                                         "--readonly",
                                         "--unix",
                                         socket.string(),
                                         (folders.plugin / "vmconvert-bundle.so").string(),
                                         "bundle=" + folder_of(leaves).string(),
                                         fmt::format("disk={}", number_of(leaves))};
  return {argv, std::move(socket), leaves.string()};
}

ExportedDisk export_disk(const ExportRequest& request, const model::ProgressSink& progress) {
  return while_doing(fmt::format("exporting disk {}", request.disk),
                     [&] { return Export(request, progress).run(); });
}

std::vector<Extent> source_extents(BlockReader& source) {
  std::vector<Extent> extents;
  ByteCount at;
  while (at < source.size()) {
    const Run run = source.run_at(at);
    const ByteCount end = std::min(run.end, source.size());
    if (end <= at) {
      throw Error(ErrorKind::internal, "a source's map does not move on");
    }
    const ExtentKind kind = run.zero ? ExtentKind::skipped : ExtentKind::needed;
    if (!extents.empty() && extents.back().kind == kind) {
      extents.back().length = extents.back().length + (end - at);
    } else {
      extents.push_back({at, end - at, kind});
    }
    at = end;
  }
  return extents;
}

}  // namespace vmconvert::disk
