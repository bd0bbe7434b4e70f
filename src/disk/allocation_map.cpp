#include "disk/allocation_map.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/log.hpp"
#include "base/text.hpp"

namespace vmconvert::disk {
namespace {

using model::AllocationNote;
using model::ByteRange;

constexpr std::chrono::seconds k_time_limit{
    120};  // an XFS log may be 2 GiB; all else is milliseconds
constexpr std::size_t k_output_limit = 64 * k_mib;
constexpr std::size_t k_most_regions = 256;
constexpr std::size_t k_most_notes = 4096;  // of one region: its logical volumes
constexpr std::size_t k_most_runs = 1U << 20U;
constexpr std::size_t k_longest_text = 200;
constexpr std::string_view k_first_line = "vmconvert-allocation 1";

bool is_sane(const ByteRange& range) {
  constexpr std::uint64_t k_far_end = std::numeric_limits<std::int64_t>::max();
  return range.length.value > 0 && range.offset.value <= k_far_end &&
         range.length.value <= k_far_end - range.offset.value;
}

bool by_offset(const ByteRange& a, const ByteRange& b) {
  return a.offset < b.offset;
}

AllocationNote used_whole(const ByteRange& region, const std::string& why) {
  return {region.offset, region.length, {}, false, why, {}};
}

// Ascending, disjoint, none beyond `limit`.
bool is_in_order(const std::vector<ByteRange>& ranges, const ByteRange& limit) {
  std::uint64_t next = limit.offset.value;
  return std::all_of(ranges.begin(), ranges.end(), [&](const ByteRange& range) {
    const bool good =
        is_sane(range) && range.offset.value >= next && end_of(range) <= end_of(limit);
    next = good ? end_of(range) : next;
    return good;
  });
}

class Answer {
 public:
  explicit Answer(std::string_view text) : m_text(text) { next(); }

  AllocationMap read(const std::vector<ByteRange>& regions) {
    if (m_line != k_first_line) {
      strange();
    }
    next();
    AllocationMap map;
    for (const ByteRange& region : regions) {
      if (take_range("region ") != region) {
        strange();
      }
      read_region(region, map);
    }
    if (m_line != "end" || !m_text.empty()) {
      strange();
    }
    return map;
  }

 private:
  [[noreturn]] void strange() const {
    throw Error(ErrorKind::tool_failed,
                fmt::format("line {} of its answer is not what it should be", m_number));
  }

  void next() {
    const std::size_t end = m_text.find('\n');
    if (end == std::string_view::npos) {
      m_number += 1;
      strange();
    }
    m_line = m_text.substr(0, end);
    m_text.remove_prefix(end + 1);
    m_number += 1;
  }

  [[nodiscard]] ByteRange parse_range(std::string_view words) const {
    const std::size_t blank = words.find(' ');
    const auto offset = parse_number(words.substr(0, std::min(blank, words.size())));
    const auto length =
        blank == std::string_view::npos ? std::nullopt : parse_number(words.substr(blank + 1));
    if (!offset || !length) {
      strange();
    }
    return {ByteCount{*offset}, ByteCount{*length}};
  }

  ByteRange take_range(std::string_view word) {
    if (!m_line.starts_with(word)) {
      strange();
    }
    const ByteRange range = parse_range(m_line.substr(word.size()));
    next();
    return range;
  }

  [[nodiscard]] std::string plain(std::string_view text) const {
    if (text.size() > k_longest_text ||
        std::any_of(text.begin(), text.end(), [](char c) { return c < ' ' || c > '~'; })) {
      strange();
    }
    return std::string(text);
  }

  AllocationNote take_note() {
    const std::size_t first = m_line.find('\t');
    const std::size_t second =
        first == std::string_view::npos ? first : m_line.find('\t', first + 1);
    if (second == std::string_view::npos) {
      strange();
    }
    constexpr std::string_view k_word = "content ";
    const ByteRange where = parse_range(m_line.substr(k_word.size(), first - k_word.size()));
    AllocationNote note = {where.offset,
                           where.length,
                           plain(m_line.substr(first + 1, second - first - 1)),
                           false,
                           plain(m_line.substr(second + 1)),
                           {}};
    note.by_map = note.why.empty();
    next();
    return note;
  }

  // One region's lines. What its contents call free must be free in all of it: in the region, each
  // stretch once.
  void read_region(const ByteRange& region, AllocationMap& map) {
    std::vector<AllocationNote> notes;
    std::vector<ByteRange> all;
    bool believed = true;
    while (m_line.starts_with("content ")) {
      AllocationNote note = take_note();
      std::vector<ByteRange> free;
      while (m_line.starts_with("free ")) {
        free.push_back(take_range("free "));
        if (++m_runs > k_most_runs) {
          strange();
        }
      }
      const ByteRange where = {note.offset, note.length};
      believed = believed && is_in_order(free, region) && is_sane(where) &&
                 note.offset >= region.offset && note.offset.value < end_of(region) &&
                 note.length <= region.length && (note.by_map || free.empty());
      if (believed) {
        note.free = total(free);
        believed = note.free <= note.length;
        all.insert(all.end(), free.begin(), free.end());
      }
      notes.push_back(std::move(note));
      if (notes.size() > k_most_notes) {
        strange();
      }
    }
    std::sort(all.begin(), all.end(), by_offset);
    if (!believed || notes.empty() || !is_in_order(all, region)) {
      map.notes.push_back(used_whole(region, "what was read of its map cannot be true"));
      return;
    }
    map.notes.insert(map.notes.end(), notes.begin(), notes.end());
    map.free.insert(map.free.end(), all.begin(), all.end());
  }

  static ByteCount total(const std::vector<ByteRange>& ranges) {  // in order, so it cannot overflow
    return std::accumulate(
        ranges.begin(), ranges.end(), ByteCount{},
        [](ByteCount sum, const ByteRange& range) { return sum + range.length; });
  }

  std::string_view m_text;
  std::string_view m_line;
  std::size_t m_number = 0;
  std::size_t m_runs = 0;
};

// Why a region is not even asked for; empty if it is. Overlapping partitions are a damaged table:
// what one calls free may be the other's content.
std::vector<std::string> objections(const std::vector<ByteRange>& regions) {
  std::vector<std::string> why(regions.size());
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < regions.size(); ++i) {
    if (!is_sane(regions[i])) {
      why[i] = "it is empty, or ends beyond any disk";
    } else {
      order.push_back(i);
    }
  }
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return by_offset(regions[a], regions[b]); });
  std::size_t reaching = 0;  // the one before that ends last
  for (std::size_t i = 1; i < order.size(); ++i) {
    const std::size_t here = order[i];
    const std::size_t before = order[reaching];
    if (regions[here].offset.value < end_of(regions[before])) {
      why[here] = why[before] = "it overlaps another partition";
    }
    reaching = end_of(regions[here]) > end_of(regions[before]) ? i : reaching;
  }
  for (std::size_t i = k_most_regions; i < regions.size(); ++i) {
    why[i] = "there are too many partitions";
  }
  return why;
}

AllocationMap ask(const std::filesystem::path& source, const std::vector<ByteRange>& regions,
                  const std::filesystem::path& reader, CommandRunner& commands) {
  const Fd disk = open_file(source, O_RDONLY | O_NOCTTY);
  Command command;
  command.argv = {reader.string()};
  for (const ByteRange& region : regions) {
    command.argv.push_back(fmt::format("{}:{}", region.offset.value, region.length.value));
  }
  command.stdin_fd = disk.get();
  command.timeout = k_time_limit;
  command.output_limit = k_output_limit;
  return parse_allocation(run_or_throw(commands, command), regions);
}

}  // namespace

AllocationMap parse_allocation(std::string_view answer, const std::vector<ByteRange>& regions) {
  return Answer(answer).read(regions);
}

AllocationMap read_allocation(const std::filesystem::path& source, const std::string& what,
                              const std::vector<ByteRange>& regions,
                              const std::filesystem::path& reader, CommandRunner& commands) {
  const std::vector<std::string> why = objections(regions);
  std::vector<ByteRange> asked;
  for (std::size_t i = 0; i < regions.size(); ++i) {
    if (why[i].empty()) {
      asked.push_back(regions[i]);
    }
  }
  AllocationMap map;
  try {
    if (!asked.empty()) {
      map = ask(source, asked, reader, commands);
    }
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::interrupted) {
      throw;
    }
    log_detail(fmt::format("allocation maps of {}: {}", what, error.message()));
    map = {};
    for (const ByteRange& region : asked) {
      map.notes.push_back(used_whole(region, "the reader of its map failed: " + error.message()));
    }
  }
  for (std::size_t i = 0; i < regions.size(); ++i) {
    if (!why[i].empty()) {
      map.notes.push_back(used_whole(regions[i], why[i]));
    }
  }
  std::sort(map.free.begin(), map.free.end(), by_offset);
  return map;
}

}  // namespace vmconvert::disk
