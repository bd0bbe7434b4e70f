#include "job/workspace.hpp"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <random>
#include <system_error>

#include "base/error.hpp"
#include "base/text.hpp"
#include "job/state_folder.hpp"

namespace vmconvert::job {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t k_longest_holder = 4096;
constexpr const char* k_lock_file = "lock";

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
  require_own_folder(state_dir);
  make_folder(state_dir / "jobs");
  make_folder(m_folder);
  lock();
  make_folder(scratch());
  make_folder(keep());
}

Workspace::Workspace(const fs::path& state_dir, const std::string& id) : m_id(id) {
  m_folder = state_dir / "jobs" / id;
  if (!is_job_id(id) || !fs::is_directory(m_folder)) {
    throw Error(ErrorKind::not_found,
                fmt::format("there is no job {} in {}", printable(id), state_dir.string()),
                "vmconvert jobs lists them; another state folder is named by --state-dir DIR");
  }
  require_own_folder(state_dir);
  lock();
  make_folder(scratch());
  make_folder(keep());
}

void Workspace::lock() {
  m_lock = open_file(m_folder / k_lock_file, O_RDWR | O_CREAT);
  if (::flock(m_lock.get(), LOCK_EX | LOCK_NB) != 0) {
    m_folder.clear();  // not ours to tidy up
    throw Error(ErrorKind::busy, fmt::format("another vmconvert works on the job {}", m_id),
                "wait until it has ended, or stop it first");
  }
}

void Workspace::remove() {
  std::error_code error;
  fs::remove_all(m_folder, error);
  if (error) {
    throw Error(ErrorKind::io, fmt::format("removing {}: {}", m_folder.string(), error.message()));
  }
}

Workspace::~Workspace() {
  if (m_folder.empty() || m_keep_scratch) {
    return;
  }
  std::error_code ignored;
  fs::remove_all(scratch(), ignored);
  fs::remove(keep(), ignored);  // only when empty
  if (!fs::exists(keep(), ignored) && !fs::exists(m_folder / "job.json", ignored)) {
    fs::remove(m_folder / k_lock_file, ignored);
    fs::remove(m_folder, ignored);
  }
}

bool is_job_id(const std::string& text) {
  return text.size() == 20 && text.find_first_not_of("0123456789T-abcdef") == std::string::npos;
}

bool is_alive(const fs::path& state_dir, const std::string& id) {
  const fs::path path = state_dir / "jobs" / id / k_lock_file;
  const Fd fd(is_job_id(id) ? ::open(path.c_str(), O_RDWR | O_CLOEXEC) : -1);
  return fd && ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

void sweep(const fs::path& state_dir, const std::vector<std::string>& known) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(state_dir / "jobs", error)) {
    const std::string id = entry.path().filename().string();
    const bool unknown = std::find(known.begin(), known.end(), id) == known.end();
    // What a run kept on purpose (a console) stays, also when nobody knows the run any more.
    if (unknown && is_job_id(id) && fs::exists(entry.path() / "scratch", error) &&
        !fs::exists(entry.path() / k_snapshots_file, error) && !is_alive(state_dir, id)) {
      fs::remove_all(entry.path() / "scratch", error);
      fs::remove(entry.path() / "kept", error);
      if (!fs::exists(entry.path() / "kept", error)) {
        fs::remove_all(entry.path(), error);
      }
    }
  }
}

}  // namespace vmconvert::job
