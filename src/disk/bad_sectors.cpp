#include "disk/bad_sectors.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <numeric>
#include <optional>

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/text.hpp"
#include "disk/read_error.hpp"

namespace vmconvert::disk {
namespace {

using model::ByteRange;

constexpr std::uint64_t k_block = 4096;
constexpr std::uint64_t k_largest_map = 64 * k_mib;

void merge(std::vector<ByteRange>& ranges) {
  std::sort(ranges.begin(), ranges.end(),
            [](const ByteRange& a, const ByteRange& b) { return a.offset < b.offset; });
  std::vector<ByteRange> merged;
  for (const ByteRange& range : ranges) {
    if (!merged.empty() && range.offset.value <= end_of(merged.back())) {
      const std::uint64_t end = std::max(end_of(merged.back()), end_of(range));
      merged.back().length = ByteCount{end} - merged.back().offset;
    } else {
      merged.push_back(range);
    }
  }
  ranges = std::move(merged);
}

std::optional<std::uint64_t> number(std::string_view word) {
  const bool hex = word.starts_with("0x");
  word.remove_prefix(hex ? 2 : 0);
  std::uint64_t value = 0;
  const auto [end, error] =
      std::from_chars(word.data(), word.data() + word.size(), value, hex ? 16 : 10);
  return error == std::errc() && end == word.data() + word.size() ? std::optional(value)
                                                                  : std::nullopt;
}

}  // namespace

std::string to_mapfile(const std::vector<ByteRange>& bad, ByteCount size) {
  std::string text =
      "# Mapfile. Created by vmconvert; positions are of the source.\n"
      "# current_pos  current_status  current_pass\n"
      "0x00000000     +               1\n"
      "#      pos        size  status\n";
  std::uint64_t at = 0;
  const auto line = [&](std::uint64_t end, char status) {
    if (end > at) {
      text += fmt::format("0x{:08X}  0x{:08X}  {}\n", at, end - at, status);
      at = end;
    }
  };
  for (const ByteRange& range : bad) {
    line(range.offset.value, '+');
    line(end_of(range), '-');
  }
  line(size.value, '+');
  return text;
}

std::vector<ByteRange> parse_mapfile(const std::string& text, ByteCount size,
                                     const std::string& what) {
  std::vector<ByteRange> bad;
  std::uint64_t at = 0;
  bool head = true;
  for (const std::string& line : lines(text)) {
    const std::vector<std::string> fields = words(line);
    if (fields.empty() || fields.front().starts_with('#')) {
      continue;
    }
    if (head) {  // where ddrescue was
      head = false;
      continue;
    }
    const auto start = number(fields.front());
    const auto length = fields.size() == 3 ? number(fields[1]) : std::nullopt;
    if (!start || !length || *start != at || *length == 0 || *length > size.value - at) {
      throw Error(ErrorKind::bad_input,
                  fmt::format("{}: no mapfile of a disk of {} bytes", what, size.value),
                  "take the job back (vmconvert undo JOB) and convert again");
    }
    if (fields[2] != "+") {
      bad.push_back({ByteCount{at}, ByteCount{*length}});
    }
    at += *length;
  }
  merge(bad);
  return bad;
}

BadSectors::BadSectors(std::filesystem::path map, ByteCount size, std::string what)
    : m_map(std::move(map)), m_size(size), m_what(std::move(what)) {
  if (!m_map.empty() && std::filesystem::exists(m_map)) {
    m_ranges = parse_mapfile(read_text_file(m_map, k_largest_map), size, m_map.string());
  }
}

void BadSectors::add(const std::vector<ByteRange>& ranges) {
  const std::lock_guard lock(m_mutex);
  const std::vector<ByteRange> before = m_ranges;
  m_ranges.insert(m_ranges.end(), ranges.begin(), ranges.end());
  merge(m_ranges);
  const std::uint64_t sum = std::accumulate(
      m_ranges.begin(), m_ranges.end(), std::uint64_t{0},
      [](std::uint64_t bytes, const ByteRange& r) { return bytes + r.length.value; });
  if (sum > k_most_bad_bytes) {
    throw Error(ErrorKind::io,
                fmt::format("more than {} of {} cannot be read",
                            to_text(ByteCount{k_most_bad_bytes}), m_what),
                "that is no disk with bad sectors: see the kernel's log whether it is still there");
  }
  if (!m_map.empty() && !std::equal(before.begin(), before.end(), m_ranges.begin(), m_ranges.end(),
                                    [](const ByteRange& a, const ByteRange& b) {
                                      return a.offset == b.offset && a.length == b.length;
                                    })) {
    AtomicFile file(m_map, 0600);
    file.write(to_mapfile(m_ranges, m_size));
    file.commit(Overwrite::yes);
  }
}

std::vector<ByteRange> BadSectors::ranges() const {
  const std::lock_guard lock(m_mutex);
  return m_ranges;
}

void SalvageReader::read(std::span<std::byte> buffer, ByteCount offset) {
  try {
    return m_inner->read(buffer, offset);
  } catch (const ReadError& error) {
    if (!error.bad_sector()) {
      throw;
    }
  }
  // By blocks, and the blocks that fail by sectors. A disk of larger sectors loses whole ones.
  std::vector<ByteRange> bad;
  const auto by = [&](auto&& self, std::uint64_t from, std::uint64_t to,
                      std::uint64_t step) -> void {
    for (std::uint64_t at = from; at < to;) {
      const std::uint64_t end =
          std::min((offset.value + at) / step * step + step - offset.value, to);
      const auto part = buffer.subspan(at, end - at);
      try {
        m_inner->read(part, offset + ByteCount{at});
      } catch (const ReadError& error) {
        if (!error.bad_sector()) {
          throw;
        }
        if (step > k_sector_size) {
          self(self, at, end, k_sector_size);
        } else {
          std::fill(part.begin(), part.end(), std::byte{0});
          bad.push_back({offset + ByteCount{at}, ByteCount{part.size()}});
        }
      }
      at = end;
    }
  };
  by(by, 0, buffer.size(), k_block);
  m_bad.add(bad);
}

}  // namespace vmconvert::disk
