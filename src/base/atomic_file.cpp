#include "base/atomic_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "base/error.hpp"

namespace vmconvert {

AtomicFile::AtomicFile(std::filesystem::path path, mode_t mode) : m_path(std::move(path)) {
  std::string pattern =
      (m_path.parent_path() / fmt::format(".{}.XXXXXX", m_path.filename().string())).string();
  m_fd = Fd(::mkostemp(pattern.data(), O_CLOEXEC));
  if (!m_fd) {
    throw_errno(errno, fmt::format("making {}", m_path.string()));
  }
  m_temporary = pattern;
  ::fchmod(m_fd.get(), mode);
}

AtomicFile::~AtomicFile() {
  if (!m_temporary.empty()) {
    ::unlink(m_temporary.c_str());
  }
}

void AtomicFile::write(std::string_view text) {
  while (!text.empty()) {
    const ssize_t put = ::write(m_fd.get(), text.data(), text.size());
    if (put < 0 && errno == EINTR) {
      continue;
    }
    if (put < 0) {
      throw_errno(errno, fmt::format("writing {}", m_path.string()));
    }
    text.remove_prefix(static_cast<std::size_t>(put));
  }
}

void AtomicFile::commit(Overwrite overwrite) {
  if (::fsync(m_fd.get()) != 0) {
    throw_errno(errno, fmt::format("writing {}", m_path.string()));
  }
  const unsigned flags = overwrite == Overwrite::no ? RENAME_NOREPLACE : 0U;
  if (::renameat2(AT_FDCWD, m_temporary.c_str(), AT_FDCWD, m_path.c_str(), flags) != 0) {
    if (errno == EEXIST) {
      throw Error(ErrorKind::bad_input, fmt::format("{} exists already", m_path.string()),
                  "remove it, or choose another name or folder");
    }
    throw_errno(errno, fmt::format("renaming a new file to {}", m_path.string()));
  }
  m_temporary.clear();
  const Fd folder =
      open_file(m_path.has_parent_path() ? m_path.parent_path() : ".", O_RDONLY | O_DIRECTORY);
  ::fsync(folder.get());
}

}  // namespace vmconvert
