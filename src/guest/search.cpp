// Directory by directory, with one budget for all: a guest may hold millions of files, and each
// costs a call into the appliance.
#include "guest/search.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/text.hpp"

namespace vmconvert::guest {
namespace {

constexpr std::array<const char*, 8> k_folders = {"/etc", "/root", "/usr/local/etc", "/boot",
                                                  "/efi", "/srv",  "/opt",           "/var/www"};
constexpr std::size_t k_shortest = 7;  // "1.1.1.1"; less would be found anywhere

bool is_part_of_number(char byte) {
  return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
         (byte >= 'A' && byte <= 'Z');
}

// 10.0.0.1 is not in 10.0.0.12, nor in 110.0.0.1.
bool stands_in(std::string_view text, std::string_view value) {
  for (std::size_t at = text.find(value); at != std::string_view::npos;
       at = text.find(value, at + 1)) {
    const std::size_t end = at + value.size();
    if ((at == 0 || !is_part_of_number(text[at - 1])) &&
        (end == text.size() || !is_part_of_number(text[end]))) {
      return true;
    }
  }
  return false;
}

class Search {
 public:
  Search(GuestRoot& guest, const std::vector<WatchedValue>& values, const SearchLimits& limits)
      : m_guest(guest), m_values(values), m_limits(limits), m_places(values.size()) {}

  void walk(const std::string& folder, std::size_t depth) {
    for (const std::string& name : m_guest.list(folder)) {
      throw_if_interrupted();
      if (m_files >= m_limits.files || m_bytes >= m_limits.total_bytes) {
        m_cut = true;
        return;
      }
      ++m_files;
      const std::string path = folder + "/" + name;
      look_at(name, path);
      const FileStat found = m_guest.lstat(path);
      if (found.kind == FileKind::directory) {
        m_cut = m_cut || depth == 0;
        if (depth > 0) {
          walk(path, depth - 1);
        }
      } else if (found.kind == FileKind::file && found.size > 0 &&
                 found.size <= m_limits.file_bytes) {
        read(path);
      }
    }
  }

  model::Findings findings() const {
    model::Findings found;
    for (std::size_t i = 0; i < m_values.size(); ++i) {
      if (m_places[i].empty()) {
        continue;
      }
      std::vector<std::string> shown(
          m_places[i].begin(), m_places[i].begin() + static_cast<std::ptrdiff_t>(std::min(
                                                         m_places[i].size(), m_limits.named)));
      model::Finding finding = m_values[i].finding;
      finding.message += ": " + printable(join(shown, ", "));
      if (m_places[i].size() > shown.size()) {
        finding.message += fmt::format(" and {} more", m_places[i].size() - shown.size());
      }
      found.push_back(std::move(finding));
    }
    if (m_cut) {
      found.push_back({"search-cut-short", model::Severity::informs,
                       fmt::format("the search for old values ended after {} files and {} bytes: "
                                   "the guest holds more than that",
                                   m_files, m_bytes),
                       "search the rest in the new guest"});
    }
    return found;
  }

 private:
  void look_at(std::string_view text, const std::string& path) {
    for (std::size_t i = 0; i < m_values.size(); ++i) {
      if (m_values[i].value.size() >= k_shortest && stands_in(text, m_values[i].value) &&
          (m_places[i].empty() || m_places[i].back() != path)) {
        m_places[i].push_back(path);
      }
    }
  }
  void read(const std::string& path) {
    try {
      const std::string content = m_guest.read(path, m_limits.file_bytes);
      m_bytes += content.size();
      if (content.find('\0') == std::string::npos) {
        look_at(content, path);
      }
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::bad_input && error.kind() != ErrorKind::not_found) {
        throw;
      }
    }
  }

  GuestRoot& m_guest;
  const std::vector<WatchedValue>& m_values;
  const SearchLimits& m_limits;
  std::vector<std::vector<std::string>> m_places;
  std::size_t m_files = 0;
  std::uint64_t m_bytes = 0;
  bool m_cut = false;
};

}  // namespace

model::Findings search_values(GuestRoot& guest, const std::vector<WatchedValue>& values,
                              const SearchLimits& limits) {
  if (values.empty()) {
    return {};
  }
  Search search(guest, values, limits);
  for (const char* folder : k_folders) {
    if (guest.lstat(folder).kind == FileKind::directory) {
      search.walk(folder, limits.depth);
    }
  }
  return search.findings();
}

}  // namespace vmconvert::guest
