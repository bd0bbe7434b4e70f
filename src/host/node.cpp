// virNodeGetInfo() counts what the NUMA cells in sysfs say, and a machine whose memory is not all
// in a cell (some virtual machines, memory of devices) has more: 15.1 of 23.5 GiB were seen. A
// check that blocks must not be wrong in that direction, so the largest count wins.
#include "host/node.hpp"

#include <algorithm>
#include <vector>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/log.hpp"
#include "base/text.hpp"

namespace vmconvert::host {
namespace {

constexpr std::uint64_t k_meminfo_limit = 1U << 16U;

std::optional<ByteCount> kibibytes(std::uint64_t number) {
  return number > UINT64_MAX / k_kib ? std::nullopt : std::optional(ByteCount{number * k_kib});
}

// All cells together, as the host's kernel counts them. Nothing from drivers that do not tell.
std::optional<MemoryInfo> memory_stats(virConnectPtr connection) {
  constexpr int k_most = 64;  // QEMU's driver has four
  int count = 0;
  if (virNodeGetMemoryStats(connection, VIR_NODE_MEMORY_STATS_ALL_CELLS, nullptr, &count, 0) != 0 ||
      count <= 0 || count > k_most) {
    return std::nullopt;
  }
  std::vector<virNodeMemoryStats> stats(static_cast<std::size_t>(count));
  if (virNodeGetMemoryStats(connection, VIR_NODE_MEMORY_STATS_ALL_CELLS, stats.data(), &count, 0) !=
      0) {
    return std::nullopt;
  }
  stats.resize(std::min(stats.size(), static_cast<std::size_t>(std::max(count, 0))));
  MemoryInfo memory{};
  for (const virNodeMemoryStats& entry : stats) {
    const std::string_view field(entry.field);
    const ByteCount value = kibibytes(entry.value).value_or(ByteCount{});
    if (field == VIR_NODE_MEMORY_STATS_TOTAL) {
      memory.total = value;
    } else if (field == VIR_NODE_MEMORY_STATS_FREE || field == VIR_NODE_MEMORY_STATS_BUFFERS ||
               field == VIR_NODE_MEMORY_STATS_CACHED) {
      memory.available.value += value.value;  // the kernel gives most of a cache back
    }
  }
  return memory;
}

std::optional<MemoryInfo> own_meminfo() {
  try {
    return parse_meminfo(read_text_file("/proc/meminfo", k_meminfo_limit));
  } catch (const Error& error) {
    log_detail(to_text(error));
    return std::nullopt;
  }
}

}  // namespace

bool is_local(const Connection& connection) {
  const std::string& uri = connection.uri();
  const auto host = uri.find("://");
  return host != std::string::npos && uri.substr(host + 3).starts_with('/') &&
         !uri.starts_with("test");
}

std::optional<MemoryInfo> parse_meminfo(std::string_view text) {
  std::optional<ByteCount> total;
  std::optional<ByteCount> available;
  for (const std::string& line : lines(text)) {
    const std::vector<std::string> parts = words(line);  // "MemTotal:", "24683620", "kB"
    if (parts.size() != 3 || parts[2] != "kB") {
      continue;
    }
    const auto number = parse_number(parts[1]);
    if (number && parts[0] == "MemTotal:") {
      total = kibibytes(*number);
    } else if (number && parts[0] == "MemAvailable:") {
      available = kibibytes(*number);
    }
  }
  return total && available ? std::optional(MemoryInfo{*total, *available}) : std::nullopt;
}

model::NodeFacts node_facts(const Connection& connection) {
  virNodeInfo info{};
  if (virNodeGetInfo(connection.handle(), &info) != 0) {
    return {};
  }
  model::NodeFacts node{kibibytes(info.memory).value_or(ByteCount{}), info.cpus, {}};
  if (connection.driver() != "QEMU") {
    return node;  // Xen counts all in its info, and lends memory of its dom0: free is not the word
  }
  for (const auto& memory :
       {memory_stats(connection.handle()), is_local(connection) ? own_meminfo() : std::nullopt}) {
    if (memory) {
      node.memory = std::max(node.memory, memory->total);
      node.available = memory->available;  // the kernel's own, which comes last, is the better one
    }
  }
  return node;
}

}  // namespace vmconvert::host
