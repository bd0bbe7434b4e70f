#include "job/place_on.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "disk/block_owner.hpp"
#include "disk/probe.hpp"
#include "disk/source.hpp"

namespace vmconvert::job {
namespace {

using model::ByteRange;

constexpr std::size_t k_most_named = 8;
constexpr std::size_t k_most_asked = 4096;
constexpr std::uint64_t k_step = 1024;  // the smallest block of a filesystem

struct Region {
  std::string name;
  ByteRange where;
};

std::vector<Region> regions_of(const model::DiskFacts& facts) {
  if (facts.table == model::TableKind::none) {
    return {{"the disk, which has no partitions", {{}, facts.size}}};
  }
  std::vector<Region> regions;
  for (const model::Partition& part : facts.partitions) {
    regions.push_back({fmt::format("partition {}, from byte {} on", part.number, part.start.value),
                       {part.start, part.length}});
  }
  return regions;
}

// The places in the region that the ranges touch, one a block at most.
std::vector<ByteCount> inside(const ByteRange& region, const std::vector<ByteRange>& ranges) {
  std::vector<ByteCount> places;
  for (const ByteRange& range : ranges) {
    const ByteCount from = std::max(range.offset, region.offset);
    const ByteCount to = std::min(range.offset + range.length, region.offset + region.length);
    for (ByteCount at = from; at < to && places.size() < k_most_asked;
         at = ByteCount{(at.value / k_step + 1) * k_step}) {
      places.push_back(at);
    }
  }
  return places;
}

std::string files_text(const std::vector<std::string>& owners) {
  std::set<std::string> names;
  for (const std::string& owner : owners) {
    if (!owner.empty()) {
      names.insert(printable(owner));
    }
  }
  if (names.empty()) {
    return owners.empty() ? "" : "space that no file holds";
  }
  std::vector<std::string> first(names.begin(), names.end());
  const std::size_t more = first.size() > k_most_named ? first.size() - k_most_named : 0;
  first.resize(first.size() - more);
  return join(first, ", ") + (more == 0 ? "" : fmt::format(" and {} more", more));
}

}  // namespace

std::string place_on(const FinishedDisk& disk, const std::vector<ByteRange>& ranges,
                     const std::filesystem::path& allocation_reader, CommandRunner& commands) {
  std::vector<std::string> parts;
  try {
    const auto reader = disk::open_image(disk.path, disk.format, disk.sockets, disk.path.string());
    for (const Region& region : regions_of(disk::probe_content(*reader))) {
      const std::vector<ByteCount> places = inside(region.where, ranges);
      if (places.empty()) {
        continue;
      }
      std::string files;
      if (disk.format == model::DiskFormat::raw && !allocation_reader.empty()) {
        files = files_text(
            disk::find_owners(disk.path, region.where, places, allocation_reader, commands));
      }
      parts.push_back(files.empty() ? region.name : fmt::format("{}: {}", region.name, files));
    }
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::interrupted) {
      throw;
    }
    log_detail(fmt::format("what lies there cannot be said: {}", error.message()));
  }
  return join(parts, "; ");
}

}  // namespace vmconvert::job
