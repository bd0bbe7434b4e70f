#include "guest/regular_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.hpp"
#include "base/text.hpp"

namespace vmconvert::guest {
namespace {

[[noreturn]] void refuse_size(const std::string& name, std::uint64_t limit) {
  throw Error(ErrorKind::bad_input,
              fmt::format("{} is larger than {} bytes", printable(name), limit));
}

}  // namespace

std::string read_regular_file(const Fd& place, std::uint64_t limit, const std::string& name) {
  struct stat status {};
  if (::fstat(place.get(), &status) != 0) {
    throw_errno(errno, fmt::format("looking at {}", printable(name)));
  }
  if (!S_ISREG(status.st_mode)) {
    throw Error(ErrorKind::bad_input, fmt::format("{} is no regular file", printable(name)));
  }
  if (static_cast<std::uint64_t>(status.st_size) > limit) {
    refuse_size(name, limit);
  }
  // The very file that was looked at, opened for reading this time.
  const std::string again = fmt::format("/proc/self/fd/{}", place.get());
  const Fd file(::open(again.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!file) {
    throw_errno(errno, fmt::format("opening {}", printable(name)));
  }
  std::string content(static_cast<std::size_t>(status.st_size) + 1, '\0');
  std::size_t size = 0;
  for (;;) {
    const ssize_t count = ::read(file.get(), content.data() + size, content.size() - size);
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0) {
      throw_errno(errno, fmt::format("reading {}", printable(name)));
    }
    size += static_cast<std::size_t>(count);
    if (size > limit) {
      refuse_size(name, limit);
    }
    if (count == 0) {
      break;
    }
    if (size == content.size()) {  // it grows while we read
      content.resize(content.size() * 2);
    }
  }
  content.resize(size);
  return content;
}

}  // namespace vmconvert::guest
