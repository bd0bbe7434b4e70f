#include "guest/folder_root.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "base/error.hpp"
#include "base/owned.hpp"
#include "base/text.hpp"
#include "guest/guest_path.hpp"
#include "guest/regular_file.hpp"

namespace vmconvert::guest {
namespace {

using Folder = Owned<DIR, ::closedir>;

constexpr std::size_t k_entry_limit = 1'000'000;
constexpr std::size_t k_xattr_limit = 64U << 10U;  // the kernel's own, for names and for a value
constexpr int k_link_limit = 40;                   // likewise

// Things that are as good as absent: a loop of links leads nowhere either.
bool means_missing(int error) {
  return error == ENOENT || error == ENOTDIR || error == ELOOP || error == ENAMETOOLONG;
}

FileKind kind_of(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG: return FileKind::file;
    case S_IFDIR: return FileKind::directory;
    case S_IFLNK: return FileKind::symlink;
    default: return FileKind::other;
  }
}

FileStat to_file_stat(const struct stat& status) {
  return {kind_of(status.st_mode), static_cast<std::uint64_t>(status.st_size),
          status.st_mode & 07777U, status.st_uid, status.st_gid};
}

[[noreturn]] void throw_bad(std::string_view path, std::string_view why) {
  throw Error(ErrorKind::bad_input, fmt::format("{} in the guest {}", printable(path), why));
}

[[noreturn]] void throw_call(int error, std::string_view doing, std::string_view path) {
  throw_errno(error, fmt::format("{} {} in the guest's folder", doing, printable(path)));
}

// Of the name itself, links not followed; missing is a kind.
FileStat stat_at(const Fd& folder, const std::string& name) {
  struct stat status {};
  if (::fstatat(folder.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) {
    return to_file_stat(status);
  }
  if (!means_missing(errno)) {
    throw_call(errno, "looking at", name);
  }
  return {};
}

std::string link_target(const Fd& folder, const std::string& name, std::string_view path) {
  std::string target(PATH_MAX, '\0');
  const ssize_t size = ::readlinkat(folder.get(), name.c_str(), target.data(), target.size());
  if (size < 0) {
    throw_call(errno, "reading the link", path);
  }
  target.resize(static_cast<std::size_t>(size));
  return target;
}

void write_all(const Fd& file, std::string_view content, std::string_view path) {
  while (!content.empty()) {
    const ssize_t count = ::write(file.get(), content.data(), content.size());
    if (count < 0 && errno != EINTR) {
      throw_call(errno, "writing", path);
    }
    content.remove_prefix(count > 0 ? static_cast<std::size_t>(count) : 0);
  }
}

// ACLs, labels and capabilities, as far as the folder's filesystem takes them.
void copy_xattrs(const std::string& from, const Fd& to) {
  std::string names(k_xattr_limit, '\0');
  const ssize_t size = ::listxattr(from.c_str(), names.data(), names.size());
  names.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  std::string value(names.empty() ? 0 : k_xattr_limit, '\0');
  for (const std::string& name : split(names, '\0')) {
    const ssize_t length =
        name.empty() ? -1 : ::getxattr(from.c_str(), name.c_str(), value.data(), value.size());
    if (length >= 0) {
      static_cast<void>(
          ::fsetxattr(to.get(), name.c_str(), value.data(), static_cast<std::size_t>(length), 0));
    }
  }
}

// A name in an open folder that goes away again unless it was renamed.
class Temporary {
 public:
  Temporary(const Fd& folder, unsigned number)
      : m_folder(folder), m_name(fmt::format(".vmconvert-{}-{}", ::getpid(), number)) {}
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;
  ~Temporary() {
    if (!m_renamed) {
      ::unlinkat(m_folder.get(), m_name.c_str(), 0);
    }
  }

  [[nodiscard]] const char* name() const { return m_name.c_str(); }
  void rename_to(const std::string& name) {
    if (::renameat(m_folder.get(), m_name.c_str(), m_folder.get(), name.c_str()) != 0) {
      throw_call(errno, "replacing", name);
    }
    m_renamed = true;
  }

 private:
  const Fd& m_folder;
  std::string m_name;
  bool m_renamed = false;
};

// The new file beside its place, with the old one's owner, mode and xattrs if there is an old one.
Fd make_file(const Fd& folder, const char* name, const FileStat& old_stat, const Fd& old_file,
             unsigned mode) {
  Fd file(::openat(folder.get(), name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) {
    throw_call(errno, "making", name);
  }
  struct stat made {};
  if (::fstat(file.get(), &made) != 0) {
    throw_call(errno, "looking at", name);
  }
  const bool replaces = old_stat.kind == FileKind::file;
  if (replaces && (made.st_uid != old_stat.uid || made.st_gid != old_stat.gid) &&
      ::fchown(file.get(), old_stat.uid, old_stat.gid) != 0) {
    throw_call(errno, "keeping the owner of the file replaced by", name);
  }
  if (::fchmod(file.get(), (replaces ? old_stat.mode : mode) & 07777U) != 0) {
    throw_call(errno, "setting the mode of", name);
  }
  if (replaces) {
    copy_xattrs(fmt::format("/proc/self/fd/{}", old_file.get()), file);
  }
  return file;
}

}  // namespace

FolderRoot::FolderRoot(const std::filesystem::path& folder, Disks disks)
    : m_root(open_file(folder, O_PATH | O_DIRECTORY)), m_disks(std::move(disks)) {}

// An empty Fd when the path is missing.
Fd FolderRoot::try_open(const std::string& path, int flags) const {
  struct open_how how {};
  how.flags = static_cast<std::uint64_t>(flags) | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  for (int attempt = 0;; ++attempt) {
    const long fd = ::syscall(SYS_openat2, m_root.get(), path.c_str(), &how, sizeof how);
    if (fd >= 0) {
      return Fd(static_cast<int>(fd));
    }
    // EAGAIN: something in the tree was renamed meanwhile, so the kernel could not be sure.
    if (errno == EINTR || (errno == EAGAIN && attempt < 100)) {
      continue;
    }
    if (means_missing(errno)) {
      return {};
    }
    throw_call(errno, "opening", path);
  }
}

FileStat FolderRoot::stat_with(std::string_view path, int flags) const {
  const std::string name = path_of(path_components(path));
  const Fd fd = try_open(name, O_PATH | flags);
  if (!fd) {
    return {};
  }
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) {
    throw_call(errno, "looking at", name);
  }
  return to_file_stat(status);
}

FileStat FolderRoot::stat(std::string_view path) {
  return stat_with(path, 0);
}
FileStat FolderRoot::lstat(std::string_view path) {
  return stat_with(path, O_NOFOLLOW);
}

std::string FolderRoot::read(std::string_view path, std::uint64_t limit) {
  const std::string name = path_of(path_components(path));
  const Fd place = try_open(name, O_PATH);
  if (!place) {
    throw Error(ErrorKind::not_found, fmt::format("{} is not in the guest", printable(path)));
  }
  return read_regular_file(place, limit, fmt::format("{} in the guest", name));
}

std::string FolderRoot::read_link(std::string_view path) {
  const std::string name = path_of(path_components(path));
  const Fd place = try_open(name, O_PATH | O_NOFOLLOW);
  if (!place) {
    throw Error(ErrorKind::not_found, fmt::format("{} is not in the guest", printable(path)));
  }
  struct stat status {};
  if (::fstat(place.get(), &status) != 0 || !S_ISLNK(status.st_mode)) {
    throw_bad(path, "is no symbolic link");
  }
  return link_target(place, "", path);
}

std::vector<std::string> FolderRoot::list(std::string_view folder) {
  Fd place = try_open(path_of(path_components(folder)), O_RDONLY | O_DIRECTORY);
  if (!place) {
    return {};
  }
  const Folder open(::fdopendir(place.get()));
  if (!open) {
    throw_call(errno, "listing", folder);
  }
  place.release();
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = ::readdir(open.get())) {
    const std::string name(entry->d_name);
    if (name != "." && name != "..") {
      names.push_back(name);
    }
    if (names.size() > k_entry_limit) {
      throw_bad(folder, fmt::format("has more than {} entries", k_entry_limit));
    }
    errno = 0;
  }
  if (errno != 0) {
    throw_call(errno, "listing", folder);
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> FolderRoot::glob(std::string_view pattern) {
  return glob_over(*this, pattern);
}

Fd FolderRoot::open_or_make_folder(const std::vector<std::string>& components) const {
  if (Fd there = try_open(path_of(components), O_PATH | O_DIRECTORY)) {
    return there;
  }
  Fd folder = try_open("/", O_PATH | O_DIRECTORY);
  std::vector<std::string> walked;
  for (const std::string& component : components) {
    walked.push_back(component);
    Fd next = try_open(path_of(walked), O_PATH | O_DIRECTORY);
    if (!next && ::mkdirat(folder.get(), component.c_str(), 0755) == 0) {
      next = try_open(path_of(walked), O_PATH | O_DIRECTORY);
    }
    if (!next) {  // a file, or a link that leads nowhere, is in its place
      throw_bad(path_of(walked), "is no folder, and none can be made there");
    }
    folder = std::move(next);
  }
  return folder;
}

// Where `path` is to be made or replaced; missing folders on the way are made.
FolderRoot::Place FolderRoot::place_for(std::string_view path, LastLink last_link) const {
  std::vector<std::string> components = path_components(path);
  for (int hop = 0; hop < k_link_limit; ++hop) {
    if (components.empty() || components.back() == "..") {
      throw_bad(path, "names a folder, not a file");
    }
    std::string name = std::move(components.back());
    components.pop_back();
    Fd folder = open_or_make_folder(components);
    if (last_link == LastLink::keep || stat_at(folder, name).kind != FileKind::symlink) {
      return {std::move(folder), std::move(name)};
    }
    const std::string target = link_target(folder, name, path);
    if (target.empty()) {
      throw_bad(path, "is a link to nothing");
    }
    components =
        path_components(target.front() == '/' ? target : path_of(components) + "/" + target);
  }
  throw_bad(path, "is a loop of links");
}

void FolderRoot::write(std::string_view path, std::string_view content, unsigned mode) {
  const Place place = place_for(path, LastLink::follow);
  const FileStat old_stat = stat_at(place.folder, place.name);
  if (old_stat.kind != FileKind::missing && old_stat.kind != FileKind::file) {
    throw_bad(path, "is no regular file");
  }
  const Fd old_file(
      ::openat(place.folder.get(), place.name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  Temporary temporary(place.folder, m_temporaries++);
  const Fd file = make_file(place.folder, temporary.name(), old_stat, old_file, mode);
  write_all(file, content, path);
  temporary.rename_to(place.name);
}

void FolderRoot::symlink(std::string_view path, std::string_view target) {
  const Place place = place_for(path, LastLink::keep);
  if (stat_at(place.folder, place.name).kind == FileKind::directory) {
    throw_bad(path, "is a folder and cannot become a link");
  }
  Temporary temporary(place.folder, m_temporaries++);
  if (::symlinkat(std::string(target).c_str(), place.folder.get(), temporary.name()) != 0) {
    throw_call(errno, "making the link", path);
  }
  temporary.rename_to(place.name);
}

void FolderRoot::remove(std::string_view path) {
  const FileKind kind = lstat(path).kind;
  if (kind == FileKind::missing) {
    return;
  }
  if (kind == FileKind::directory) {
    throw_bad(path, "is a folder: only files and links are removed");
  }
  const Place place = place_for(path, LastLink::keep);
  if (::unlinkat(place.folder.get(), place.name.c_str(), 0) != 0 && errno != ENOENT) {
    throw_call(errno, "removing", path);
  }
}

void FolderRoot::remove_tree(std::string_view path) {
  if (lstat(path).kind != FileKind::directory) {
    return remove(path);
  }
  const std::string folder = path_of(path_components(path));
  if (folder == "/") {
    throw_bad(path, "is the root");
  }
  for (const std::string& name : list(folder)) {
    remove_tree(folder + "/" + name);
  }
  const Place place = place_for(path, LastLink::keep);
  if (::unlinkat(place.folder.get(), place.name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT) {
    throw_call(errno, "removing the folder", path);
  }
}

ProgramResult FolderRoot::run(const std::vector<std::string>& argv) {
  throw Error(
      ErrorKind::unsupported,
      fmt::format("\"{}\" cannot be run: a plain folder is no guest", printable(join(argv, " "))));
}

const std::filesystem::path& FolderRoot::disk_file(std::string_view disk) const {
  const auto found = m_disks.find(disk);
  if (found == m_disks.end()) {
    throw Error(ErrorKind::not_found, fmt::format("the guest has no disk {}", printable(disk)));
  }
  return found->second;
}

std::string FolderRoot::read_disk(std::string_view disk, std::uint64_t offset,
                                  std::uint64_t length) {
  if (length > k_binary_limit) {
    throw Error(ErrorKind::bad_input,
                fmt::format("{} bytes of disk {} are too many to read at once", length, disk));
  }
  const std::filesystem::path& path = disk_file(disk);
  const Fd file = open_file(path, O_RDONLY);
  std::string content(length, '\0');
  pread_exactly(file.get(), std::as_writable_bytes(std::span(content)), offset, path.string());
  return content;
}

void FolderRoot::write_disk(std::string_view disk, std::uint64_t offset, std::string_view content) {
  const std::filesystem::path& path = disk_file(disk);
  const Fd file = open_file(path, O_RDWR);
  const auto size = std::filesystem::file_size(path);
  if (offset > size || content.size() > size - offset) {
    throw Error(ErrorKind::bad_input,
                fmt::format("{} bytes at offset {} reach over the end of disk {}", content.size(),
                            offset, printable(disk)));
  }
  pwrite_exactly(file.get(), std::as_bytes(std::span(content)), offset, path.string());
}

}  // namespace vmconvert::guest
