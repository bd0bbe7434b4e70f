#include "disk/qcow2_writer.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "disk/aligned_buffer.hpp"
#include "disk/qcow2_tables.hpp"
#include "disk/run_file.hpp"
#include "disk/units.hpp"

namespace vmconvert::disk {
namespace {

static_assert(k_target_unit == k_qcow2_cluster);

std::uint32_t to_clusters(std::uint64_t bytes) {
  return static_cast<std::uint32_t>((bytes + k_qcow2_cluster - 1) / k_qcow2_cluster);
}

ByteCount place_of(std::uint64_t cluster) {
  return {cluster * k_qcow2_cluster};
}

ByteCount checked(ByteCount size) {
  require_qcow2_size(size);
  return size;
}

Error unsound(const std::filesystem::path& path, const std::string& why) {
  return {ErrorKind::bad_input, fmt::format("{} cannot be continued: {}", path.string(), why),
          "remove it and start again"};
}

}  // namespace

Qcow2Writer::Qcow2Writer(std::filesystem::path path, ByteCount size)
    : Qcow2Writer(std::move(path), size, {}) {}

Qcow2Writer::Qcow2Writer(std::filesystem::path path, ByteCount size, std::span<const Qcow2Run> runs)
    : m_size(checked(size)), m_file(std::move(path), size) {
  require_sound(runs);
  for (const Qcow2Run& run : runs) {
    m_map.add(run);
    m_next = std::max(m_next, std::uint64_t{run.host} + run.count);
  }
}

// The runs come from a file that anything may have happened to.
void Qcow2Writer::require_sound(std::span<const Qcow2Run> runs) const {
  const Fd file = open_file(m_file.path(), O_RDONLY);
  const std::uint64_t length = std::filesystem::file_size(m_file.path());
  std::vector<std::byte> head(std::min(length, k_qcow2_cluster));
  pread_exactly(file.get(), head, 0, m_file.path().string());
  if (!is_zero(head)) {
    throw unsound(m_file.path(), "it is a finished image, or another file");
  }
  std::vector<Qcow2Run> sorted(runs.begin(), runs.end());
  const auto apart = [&](auto start) {
    std::sort(sorted.begin(), sorted.end(),
              [&](const Qcow2Run& a, const Qcow2Run& b) { return start(a) < start(b); });
    return std::adjacent_find(sorted.begin(), sorted.end(), [&](const auto& a, const auto& b) {
             return std::uint64_t{start(a)} + a.count > start(b);
           }) == sorted.end();
  };
  const auto fits = [&](const Qcow2Run& run) {
    return run.count > 0 && run.host > 0 &&
           std::uint64_t{run.guest} + run.count <= to_clusters(m_size.value) &&
           (std::uint64_t{run.host} + run.count) * k_qcow2_cluster <= length;
  };
  if (!std::all_of(sorted.begin(), sorted.end(), fits)) {
    throw unsound(m_file.path(), "what was recorded does not fit into it");
  }
  if (!apart([](const Qcow2Run& run) { return run.guest; }) ||
      !apart([](const Qcow2Run& run) { return run.host; })) {
    throw unsound(m_file.path(), "what was recorded overlaps");
  }
}

Qcow2Writer::Range Qcow2Writer::clusters_of(ByteCount offset, ByteCount length) const {
  const ByteCount end = offset + length;
  if (offset.value % k_qcow2_cluster != 0 || end > m_size ||
      (end.value % k_qcow2_cluster != 0 && end != m_size)) {
    throw Error(ErrorKind::internal,
                fmt::format("{} bytes at byte {} of {} are no whole clusters of {}", length.value,
                            offset.value, m_size.value, m_file.path().string()));
  }
  return {static_cast<std::uint32_t>(offset.value / k_qcow2_cluster), to_clusters(length.value)};
}

std::uint32_t Qcow2Writer::allocate(std::uint32_t count) {
  const std::lock_guard lock(m_mutex);
  if (m_next + count > UINT32_MAX) {
    throw Error(ErrorKind::unsupported,
                fmt::format("{} grows over 256 TiB", m_file.path().string()), "use --format raw");
  }
  const auto first = static_cast<std::uint32_t>(m_next);
  m_next += count;
  return first;
}

void Qcow2Writer::write(std::span<const std::byte> bytes, ByteCount offset) {
  const Range range = clusters_of(offset, ByteCount{bytes.size()});
  if (range.count == 0) {
    return;
  }
  const std::uint32_t host = allocate(range.count);
  // Whole clusters are written also where the disk ends in one: behind it are zeros, and nothing of
  // an attempt before.
  const std::size_t rest = bytes.size() % k_qcow2_cluster;
  m_file.write(bytes.first(bytes.size() - rest), place_of(host));
  if (rest > 0) {
    const AlignedBuffer last(k_qcow2_cluster);
    const auto end =
        std::copy(bytes.end() - static_cast<long>(rest), bytes.end(), last.bytes().begin());
    std::fill(end, last.bytes().end(), std::byte{0});
    m_file.write(last.bytes(), place_of(host + range.count - 1));
  }
  const std::lock_guard lock(m_mutex);
  m_map.add({range.first, host, range.count});
}

void Qcow2Writer::write_zeros(ByteCount offset, ByteCount length) {
  const Range range = clusters_of(offset, length);
  const std::lock_guard lock(m_mutex);
  m_map.remove(range.first, range.count);
}

// What is remembered was written before the flush: a run that is named is on the device.
void Qcow2Writer::sync() {
  if (m_state_file.empty()) {
    m_file.sync();
    return;
  }
  const std::vector<Qcow2Run> written = runs();
  m_file.sync();
  save_runs(m_state_file, written);
}

std::vector<Qcow2Run> Qcow2Writer::runs() const {
  const std::lock_guard lock(m_mutex);
  return m_map.runs();
}

std::vector<bool> Qcow2Writer::used_clusters() const {
  std::vector<bool> used(m_next);
  used[0] = true;
  for (const std::uint32_t table : m_map.tables()) {
    m_map.for_each_in(
        table, [&](const Qcow2Run& run) { std::fill_n(used.begin() + run.host, run.count, true); });
  }
  return used;
}

void Qcow2Writer::finish() {
  const std::lock_guard lock(m_mutex);
  const std::vector<std::uint32_t> tables = m_map.tables();
  const Qcow2Layout layout = lay_out_qcow2(m_size, m_next, tables.size());
  const AlignedBuffer buffer(k_qcow2_cluster);
  const std::span<std::byte> cluster = buffer.bytes();
  std::uint64_t at = layout.l2_start;
  const auto put = [&] { m_file.write(cluster, place_of(at++)); };
  for (const std::uint32_t table : tables) {
    fill_l2(cluster, m_map, table);
    put();
  }
  for (std::uint64_t i = 0; i < layout.l1_clusters(); ++i) {
    fill_l1(cluster, layout, i, tables);
    put();
  }
  for (std::uint64_t i = 0; i < layout.refcount_table_clusters(); ++i) {
    fill_refcount_table(cluster, layout, i);
    put();
  }
  const std::vector<bool> used = used_clusters();
  for (std::uint64_t i = 0; i < layout.refcount_blocks(); ++i) {
    fill_refcount_block(cluster, layout, i, used);
    put();
  }
  m_file.truncate(place_of(layout.end));  // an attempt before may have been longer
  m_file.sync();
  fill_header(cluster, layout);
  m_file.write(cluster, {});
  m_file.finish();
}

}  // namespace vmconvert::disk
