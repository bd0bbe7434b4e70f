#include "base/fd.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.hpp"

namespace vmconvert {

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    reset();
    m_fd = std::exchange(other.m_fd, -1);
  }
  return *this;
}

void Fd::reset() noexcept {
  if (m_fd >= 0) {
    ::close(m_fd);
    m_fd = -1;
  }
}

Fd open_file(const std::filesystem::path& path, int flags, mode_t mode) {
  Fd fd(::open(path.c_str(), flags | O_CLOEXEC, mode));
  if (!fd) {
    throw_errno(errno, fmt::format("opening {}", path.string()));
  }
  return fd;
}

void pread_exactly(int fd, std::span<std::byte> buffer, std::uint64_t offset,
                   const std::string& what) {
  std::size_t done = 0;
  while (done < buffer.size()) {
    const ssize_t got =
        ::pread(fd, buffer.data() + done, buffer.size() - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      throw_errno(errno, fmt::format("reading {} at byte {}", what, offset + done));
    }
    if (got == 0) {
      throw Error(ErrorKind::io, fmt::format("reading {}: it ends at byte {}, {} bytes too early",
                                             what, offset + done, buffer.size() - done));
    }
    done += static_cast<std::size_t>(got);
  }
}

void pwrite_exactly(int fd, std::span<const std::byte> buffer, std::uint64_t offset,
                    const std::string& what) {
  std::size_t done = 0;
  while (done < buffer.size()) {
    const ssize_t put =
        ::pwrite(fd, buffer.data() + done, buffer.size() - done, static_cast<off_t>(offset + done));
    if (put < 0 && errno == EINTR) {
      continue;
    }
    if (put < 0) {
      throw_errno(errno, fmt::format("writing {} at byte {}", what, offset + done));
    }
    done += static_cast<std::size_t>(put);
  }
}

std::string read_text_file(const std::filesystem::path& path, std::uint64_t limit) {
  const Fd fd = open_file(path, O_RDONLY);
  std::string text;
  char buffer[65536];
  for (;;) {
    const ssize_t got = ::read(fd.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      throw_errno(errno, fmt::format("reading {}", path.string()));
    }
    if (got == 0) {
      return text;
    }
    text.append(buffer, static_cast<std::size_t>(got));
    if (text.size() > limit) {
      throw Error(ErrorKind::bad_input,
                  fmt::format("{} is larger than {} bytes", path.string(), limit));
    }
  }
}

std::string read_text_or_empty(const std::filesystem::path& path, std::uint64_t limit) {
  try {
    return read_text_file(path, limit);
  } catch (const Error&) {
    return {};
  }
}

std::vector<std::filesystem::path> list_folder(const std::filesystem::path& folder) {
  namespace fs = std::filesystem;
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    found.push_back(at->path());
  }
  return found;
}

}  // namespace vmconvert
