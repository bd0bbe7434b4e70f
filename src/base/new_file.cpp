#include "base/new_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.hpp"

namespace vmconvert {
namespace {

constexpr const char* k_remedy = "make sure that the folder exists and that you may write to it";

[[noreturn]] void throw_exists(const std::filesystem::path& path) {
  throw Error(ErrorKind::bad_input, fmt::format("{} exists already", path.string()),
              "choose another folder or name, or remove it if nobody needs it");
}

}  // namespace

NewFile::NewFile(std::filesystem::path path, mode_t mode) : m_path(std::move(path)) {
  const std::filesystem::path folder = m_path.has_parent_path() ? m_path.parent_path() : ".";
  m_fd = Fd(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, mode));
  if (!m_fd && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
    m_fd = Fd(::open(m_path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode));
    if (!m_fd && errno == EEXIST) {
      throw_exists(m_path);
    }
    m_named = true;
  }
  if (!m_fd) {
    throw_errno(errno, fmt::format("creating {}", m_path.string()), k_remedy);
  }
  ::fchmod(m_fd.get(), mode);  // whatever the umask
}

void NewFile::appear() {
  if (m_named) {
    return;
  }
  const std::string own = fmt::format("/proc/self/fd/{}", m_fd.get());
  if (::linkat(AT_FDCWD, own.c_str(), AT_FDCWD, m_path.c_str(), AT_SYMLINK_FOLLOW) != 0) {
    if (errno == EEXIST) {
      throw_exists(m_path);
    }
    throw_errno(errno, fmt::format("creating {}", m_path.string()), k_remedy);
  }
  m_named = true;
}

}  // namespace vmconvert
