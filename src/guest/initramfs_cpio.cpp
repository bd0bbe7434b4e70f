#include "guest/initramfs_cpio.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/error.hpp"
#include "base/text.hpp"

namespace vmconvert::guest {
namespace {

constexpr std::size_t k_header_size = 110;
constexpr std::size_t k_name_limit = 4096;
constexpr std::string_view k_trailer = "TRAILER!!!";

[[noreturn]] void refuse(std::string_view why) {
  throw Error(ErrorKind::bad_input, fmt::format("the initramfs image is damaged: {}", why));
}

// Names and contents are filled up to a multiple of four, counted from the archive's start.
std::uint64_t padding(std::uint64_t size) {
  return (4 - size % 4) % 4;
}

// The fields after the magic are eight hexadecimal digits each.
enum Field : std::size_t { f_mode = 1, f_links = 4, f_size = 6, f_name_size = 11 };

std::uint32_t field(std::string_view header, Field which) {
  const std::string_view digits = header.substr(6 + 8 * which, 8);
  std::uint32_t value = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  if (error != std::errc() || end != digits.data() + digits.size()) {
    refuse(fmt::format("a cpio header says \"{}\" where a number should be", printable(digits)));
  }
  return value;
}

std::string plain_name(std::string_view name) {
  while (name.starts_with('/') || name.starts_with("./")) {
    name.remove_prefix(name.front() == '/' ? 1 : 2);
  }
  return std::string(name == "." ? "" : name);
}

std::string take_name(ByteStream& stream, std::uint32_t size, CpioBudget& budget) {
  if (size == 0 || size > k_name_limit) {
    refuse(fmt::format("a name of {} bytes", size));
  }
  if (budget.entries == 0 || budget.name_bytes < size) {
    refuse("it has too many entries to be an initramfs");
  }
  --budget.entries;
  budget.name_bytes -= size;
  std::string name = stream.take(size);
  name.resize(std::min(name.find('\0'), name.size()));
  stream.skip(padding(k_header_size + size));
  return name;
}

}  // namespace

void ByteStream::advance(std::size_t count) {
  m_piece.remove_prefix(count);
  m_position += count;
}

bool ByteStream::at_end() {
  if (m_piece.empty()) {
    m_piece = m_source.next();
  }
  return m_piece.empty();
}

std::string ByteStream::take(std::uint64_t count) {
  std::string taken;
  while (taken.size() < count) {
    if (at_end()) {
      refuse("it ends in the middle of an entry");
    }
    const std::size_t size = std::min<std::uint64_t>(count - taken.size(), m_piece.size());
    taken += m_piece.substr(0, size);
    advance(size);
  }
  return taken;
}

void ByteStream::skip(std::uint64_t count) {
  while (count > 0) {
    if (at_end()) {
      refuse("it ends in the middle of an entry");
    }
    const std::size_t size = std::min<std::uint64_t>(count, m_piece.size());
    advance(size);
    count -= size;
  }
}

void ByteStream::skip_zeros() {
  while (!at_end() && m_piece.front() == '\0') {
    advance(std::min(m_piece.find_first_not_of('\0'), m_piece.size()));
  }
}

bool starts_cpio(std::string_view data) {
  return data.starts_with("070701") || data.starts_with("070702");
}

void read_cpio(ByteStream& stream, CpioBudget& budget, const CpioHandler& handler) {
  for (;;) {
    const std::string header = stream.take(k_header_size);
    if (!starts_cpio(header)) {
      refuse("no cpio header where one should be");
    }
    CpioEntry entry{{}, field(header, f_mode), field(header, f_links), field(header, f_size)};
    const std::string name = take_name(stream, field(header, f_name_size), budget);
    if (name == k_trailer) {
      stream.skip(entry.size + padding(entry.size));
      return;
    }
    entry.name = plain_name(name);
    const std::uint64_t before = stream.position();
    if (!entry.name.empty()) {
      handler(entry, [&] { return stream.take(entry.size); });
    }
    const std::uint64_t taken = stream.position() - before;
    stream.skip(entry.size - taken + padding(entry.size));
  }
}

}  // namespace vmconvert::guest
