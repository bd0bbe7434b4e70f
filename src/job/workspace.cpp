#include "job/workspace.hpp"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <random>
#include <system_error>

#include "base/error.hpp"
#include "base/text.hpp"

namespace vmconvert::job {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t k_longest_holder = 4096;

void make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) {
    throw Error(ErrorKind::io, fmt::format("making {}: {}", folder.string(), error.message()),
                "name a state folder that can be written: --state-dir DIR");
  }
  fs::permissions(folder, fs::perms::owner_all, error);
}

// A file name for any subject: what is no letter or digit becomes %XX.
std::string escaped(const std::string& subject) {
  std::string name;
  for (const char c : subject) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.';
    name += plain ? std::string(1, c) : fmt::format("%{:02x}", static_cast<unsigned char>(c));
  }
  // A name longer than the filesystem takes is cut; its hash keeps it apart from its like.
  constexpr std::size_t k_longest = 180;
  if (name.size() > k_longest) {
    name = fmt::format("{}-{:016x}", name.substr(0, k_longest), std::hash<std::string>()(subject));
  }
  return name;
}

}  // namespace

Lock::Lock(const fs::path& state_dir, const std::string& subject) {
  const fs::path folder = state_dir / "locks";
  make_folder(folder);
  const fs::path path = folder / escaped(subject);
  m_fd = open_file(path, O_RDWR | O_CREAT);
  if (::flock(m_fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) {
      throw_errno(errno, fmt::format("locking {}", path.string()));
    }
    const std::string holder(trim(read_text_file(path, k_longest_holder)));
    throw Error(ErrorKind::busy,
                fmt::format("{} is in use by another vmconvert ({})", subject,
                            holder.empty() ? "just started" : printable(holder)),
                "wait until it has ended, then run this command again");
  }
  const std::string holder = fmt::format("process {}\n", ::getpid());
  if (::ftruncate(m_fd.get(), 0) != 0 || ::pwrite(m_fd.get(), holder.data(), holder.size(), 0) !=
                                             static_cast<ssize_t>(holder.size())) {
    throw_errno(errno, fmt::format("writing {}", path.string()));
  }
}

Workspace::Workspace(const fs::path& state_dir) {
  std::random_device random;
  m_id =
      fmt::format("{:%Y%m%dT%H%M%S}-{:04x}", fmt::gmtime(std::time(nullptr)), random() & 0xffffU);
  m_folder = state_dir / "jobs" / m_id;
  make_folder(state_dir / "jobs");
  make_folder(m_folder);
  make_folder(scratch());
  make_folder(keep());
}

Workspace::~Workspace() {
  std::error_code ignored;
  fs::remove_all(scratch(), ignored);
  fs::remove(keep(), ignored);    // only when empty
  fs::remove(m_folder, ignored);  // likewise
}

}  // namespace vmconvert::job
