#include "base/temp_dir.hpp"

#include <fmt/format.h>
#include <stdlib.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "base/error.hpp"

namespace vmconvert {

TempDir::TempDir(const std::filesystem::path& parent, std::string_view name) {
  std::error_code error;
  std::filesystem::create_directories(parent, error);
  if (error) {
    throw Error(ErrorKind::io, fmt::format("making {}: {}", parent.string(), error.message()));
  }
  std::string pattern = (parent / fmt::format("{}.XXXXXX", name)).string();
  if (::mkdtemp(pattern.data()) == nullptr) {
    throw_errno(errno, fmt::format("making a folder in {}", parent.string()));
  }
  m_path = pattern;
}

TempDir::TempDir(TempDir&& other) noexcept : m_path(std::exchange(other.m_path, {})) {}

TempDir::~TempDir() {
  if (!m_path.empty()) {
    std::error_code ignored;
    std::filesystem::remove_all(m_path, ignored);
  }
}

}  // namespace vmconvert
