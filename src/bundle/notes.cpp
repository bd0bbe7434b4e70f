#include "bundle/notes.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>

#include "base/error.hpp"
#include "base/text.hpp"
#include "bundle/content.hpp"
#include "bundle/names.hpp"
#include "bundle/parallel.hpp"

namespace vmconvert::bundle {
namespace {

constexpr std::uint64_t k_largest_notes = 8 * k_gib;

// A line: sum of the rest, pack, size, and of each chunk its digest and three numbers.
std::string to_line(const PackRecord& record) {
  std::string body = fmt::format("{} {}", to_hex(record.file.digest), record.file.size);
  for (const Chunk& chunk : record.chunks) {
    body +=
        fmt::format(" {} {} {} {}", to_hex(chunk.digest), chunk.offset, chunk.stored, chunk.plain);
  }
  return fmt::format("{} {}\n", to_hex(sha256(as_bytes(body))), body);
}

std::optional<PackRecord> from_line(std::string_view line) {
  const std::size_t blank = line.find(' ');
  if (blank == std::string_view::npos ||
      line.substr(0, blank) != to_hex(sha256(as_bytes(line.substr(blank + 1))))) {
    return std::nullopt;
  }
  const std::vector<std::string> fields = words(line.substr(blank + 1));
  const auto number = [&](std::size_t at) { return parse_number(fields.at(at)).value_or(0); };
  PackRecord record;
  record.file.digest = digest_from_hex(fields.at(0)).value_or(Digest{});
  record.file.path = pack_name(record.file.digest);
  record.file.size = number(1);
  for (std::size_t at = 2; at + 3 < fields.size(); at += 4) {
    record.chunks.push_back({digest_from_hex(fields[at]).value_or(Digest{}), 0,
                             static_cast<std::uint32_t>(number(at + 1)),
                             static_cast<std::uint32_t>(number(at + 2)),
                             static_cast<std::uint32_t>(number(at + 3))});
  }
  return record;
}

}  // namespace

ExportNotes::ExportNotes(std::filesystem::path path, const std::string& recipients)
    : m_path(std::move(path)) {
  std::filesystem::create_directories(m_path.parent_path());
  m_fd = open_file(m_path, O_RDWR | O_CREAT);
  const std::string head = fmt::format("vmconvert-export 1 {}\n", recipients);
  const std::string text = read_text_file(m_path, k_largest_notes);
  if (text.starts_with(head)) {
    m_end = head.size();
    while (m_end < text.size()) {
      const std::size_t end = text.find('\n', m_end);
      const auto record = end == std::string::npos
                              ? std::nullopt
                              : from_line(std::string_view(text).substr(m_end, end - m_end));
      if (!record) {
        break;
      }
      m_earlier.push_back(*record);
      m_end = end + 1;
    }
  }
  if (::ftruncate(m_fd.get(), static_cast<off_t>(m_end)) != 0) {
    throw_errno(errno, fmt::format("writing {}", m_path.string()));
  }
  if (m_end == 0) {
    pwrite_exactly(m_fd.get(), as_bytes(head), 0, m_path.string());
    m_end = head.size();
  }
}

void ExportNotes::add(const PackRecord& record) {
  const std::string line = to_line(record);
  pwrite_exactly(m_fd.get(), as_bytes(line), m_end, m_path.string());
  m_end += line.size();
}

void ExportNotes::remove() {
  ::unlink(m_path.c_str());
}

std::vector<PackRecord> records_of(const std::vector<StoredFile>& packs, const Chunks& chunks) {
  std::vector<PackRecord> records(packs.size());
  for (std::size_t i = 0; i < packs.size(); ++i) {
    records[i].file = packs[i];
  }
  for (const Chunk& chunk : chunks) {
    records.at(chunk.pack).chunks.push_back(chunk);
  }
  return records;
}

std::vector<PackRecord> still_good(const std::filesystem::path& folder,
                                   std::vector<PackRecord> records) {
  std::vector<char> good(records.size(), 0);
  for_each_index(records.size(), [&](std::size_t i) {
    try {
      static_cast<void>(read_checked(folder, records[i].file));
      good[i] = 1;
    } catch (const Error&) {
      // Gone or damaged: its content is stored again.
    }
  });
  std::vector<PackRecord> kept;
  for (std::size_t i = 0; i < records.size(); ++i) {
    if (good[i] != 0) {
      kept.push_back(std::move(records[i]));
    }
  }
  return kept;
}

}  // namespace vmconvert::bundle
