#include "job/state_folder.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "base/error.hpp"

namespace vmconvert::job {
namespace {

namespace fs = std::filesystem;

constexpr const char* k_other_folder = "or name another state folder: --state-dir DIR";

void require_own(const fs::path& path, const struct stat& found) {
  if (found.st_uid != ::geteuid() && found.st_uid != 0) {
    throw Error(ErrorKind::bad_input,
                fmt::format("{} belongs to another user (uid {}): what it says of jobs is not "
                            "believed",
                            path.string(), found.st_uid),
                fmt::format("see what it is; if it is yours: chown {} {}; {}", ::geteuid(),
                            path.string(), k_other_folder));
  }
  if ((found.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    throw Error(ErrorKind::bad_input,
                fmt::format("others may write to {} (mode {:04o}): what it says of jobs is not "
                            "believed",
                            path.string(), found.st_mode & 07777U),
                fmt::format("see that its content is yours, then: chmod go-w {}; {}", path.string(),
                            k_other_folder));
  }
}

}  // namespace

void require_own_folder(const fs::path& given) {
  const fs::path folder = given.has_filename() ? given : given.parent_path();  // "/var/x/"
  std::error_code error;
  // Ours from its first moment on, whatever the umask; the folders above it are the operator's.
  fs::create_directories(folder.parent_path(), error);
  if (!error && ::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    error.assign(errno, std::generic_category());
  }
  struct stat found {};
  if (!error && ::stat(folder.c_str(), &found) != 0) {
    error.assign(errno, std::generic_category());
  }
  if (!error && !S_ISDIR(found.st_mode)) {
    error = std::make_error_code(std::errc::not_a_directory);
  }
  if (error) {
    throw Error(ErrorKind::io, fmt::format("making {}: {}", folder.string(), error.message()),
                "name a state folder that can be written: --state-dir DIR");
  }
  require_own(folder, found);
}

void require_own_file(const fs::path& file) {
  struct stat found {};
  if (::lstat(file.c_str(), &found) != 0) {
    if (errno == ENOENT) {
      return;
    }
    throw_errno(errno, fmt::format("looking at {}", file.string()));
  }
  if (!S_ISREG(found.st_mode)) {
    throw Error(ErrorKind::bad_input,
                fmt::format("{} is no plain file: it is not read", file.string()),
                fmt::format("move it away; {}", k_other_folder));
  }
  require_own(file, found);
}

}  // namespace vmconvert::job
