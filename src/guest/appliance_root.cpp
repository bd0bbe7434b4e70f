#include "guest/appliance_root.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "base/error.hpp"
#include "base/text.hpp"
#include "guest/guest_path.hpp"

namespace vmconvert::guest {
namespace {

// One message to the appliance carries at most 4 MiB.
constexpr std::uint64_t k_chunk = 2U << 20U;
constexpr std::uint64_t k_page = 4096;
constexpr std::chrono::minutes k_program_limit(30);

FileKind kind_of(std::int64_t mode) {
  switch (static_cast<mode_t>(mode) & S_IFMT) {
    case S_IFREG: return FileKind::file;
    case S_IFDIR: return FileKind::directory;
    case S_IFLNK: return FileKind::symlink;
    default: return FileKind::other;
  }
}

FileStat from_statns(const struct guestfs_statns& raw) {
  FileStat result;
  result.kind = kind_of(raw.st_mode);
  result.size = static_cast<std::uint64_t>(raw.st_size);
  result.mode = static_cast<unsigned>(raw.st_mode) & 07777U;
  result.uid = static_cast<unsigned>(raw.st_uid);
  result.gid = static_cast<unsigned>(raw.st_gid);
  return result;
}

std::string checked(std::string_view path) {
  return path_of(path_components(path));
}

bool means_missing(int error) {
  return error == ENOENT || error == ENOTDIR || error == ELOOP;
}

bool is_fault_of_tree(int error) {
  return means_missing(error) || error == EISDIR || error == EEXIST || error == ENAMETOOLONG;
}

std::vector<char*> c_words(std::vector<std::string>& words) {
  std::vector<char*> result;
  result.reserve(words.size() + 1);
  for (std::string& word : words) {
    result.push_back(word.data());
  }
  result.push_back(nullptr);
  return result;
}

std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == 0 || slash == std::string::npos ? std::string("/") : path.substr(0, slash);
}

std::string disk_letters(std::size_t index) {
  std::string letters(1, static_cast<char>('a' + index % 26));
  return index < 26 ? letters : disk_letters(index / 26 - 1) + letters;
}

}  // namespace

FileStat ApplianceRoot::stat(std::string_view path) {
  const std::string name = checked(path);
  const Owned<struct guestfs_statns, guestfs_free_statns> raw(
      guestfs_statns(m_appliance.get(), name.c_str()));
  if (!raw) {
    if (means_missing(m_appliance.last_errno())) {
      return {};
    }
    m_appliance.fail(fmt::format("looking at {} in the guest", name));
  }
  return from_statns(*raw);
}

FileStat ApplianceRoot::lstat(std::string_view path) {
  const std::string name = checked(path);
  const Owned<struct guestfs_statns, guestfs_free_statns> raw(
      guestfs_lstatns(m_appliance.get(), name.c_str()));
  if (!raw) {
    if (means_missing(m_appliance.last_errno())) {
      return {};
    }
    m_appliance.fail(fmt::format("looking at {} in the guest", name));
  }
  return from_statns(*raw);
}

std::string ApplianceRoot::read(std::string_view path, std::uint64_t limit) {
  const std::string name = checked(path);
  const FileStat found = stat(path);
  if (found.kind == FileKind::missing) {
    throw Error(ErrorKind::not_found, fmt::format("{} is not in the guest", name));
  }
  if (found.kind != FileKind::file) {
    throw Error(ErrorKind::bad_input, fmt::format("{} in the guest is no regular file", name));
  }
  if (found.size > limit) {
    throw Error(ErrorKind::bad_input,
                fmt::format("{} in the guest has {} bytes, more than {}", name, found.size, limit));
  }
  std::string content;
  content.reserve(static_cast<std::size_t>(found.size));
  // Not guestfs_download: under emulation it takes a quarter of a second for the smallest file.
  while (content.size() < found.size) {
    std::size_t got = 0;
    const Owned<char, std::free> bytes(
        guestfs_pread(m_appliance.get(), name.c_str(), static_cast<int>(k_chunk),
                      static_cast<std::int64_t>(content.size()), &got));
    if (!bytes) {
      m_appliance.fail(fmt::format("reading {} in the guest", name));
    }
    if (got == 0) {
      break;
    }
    content.append(bytes.get(), got);
  }
  return content;
}

std::string ApplianceRoot::read_link(std::string_view path) {
  const std::string name = checked(path);
  return m_appliance.text(guestfs_readlink(m_appliance.get(), name.c_str()),
                          fmt::format("reading the link {} in the guest", name));
}

std::vector<std::string> ApplianceRoot::list(std::string_view folder) {
  const std::string name = checked(folder);
  char** raw = guestfs_ls(m_appliance.get(), name.c_str());
  if (raw == nullptr) {
    if (means_missing(m_appliance.last_errno())) {
      return {};
    }
    m_appliance.fail(fmt::format("listing {} in the guest", name));
  }
  std::vector<std::string> names = take_list(raw);
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> ApplianceRoot::glob(std::string_view pattern) {
  return glob_over(*this, pattern);
}

// The folder of `path` with its links resolved: made if it is missing.
std::string ApplianceRoot::make_folder_of(const std::string& path) {
  const std::string folder = folder_of(path);
  if (stat(folder).kind == FileKind::missing) {
    std::string parent = folder_of(folder);
    while (parent != "/" && stat(parent).kind == FileKind::missing) {
      parent = folder_of(parent);
    }
    change({parent}, fmt::format("making {} in the guest", folder),
           [&] { return guestfs_mkdir_p(m_appliance.get(), folder.c_str()); });
  }
  return m_appliance.text(guestfs_realpath(m_appliance.get(), folder.c_str()),
                          fmt::format("following {} in the guest", folder));
}

// chattr +i and +a stop even root, and people set them on the very files that we edit (resolv.conf,
// fstab). Where a change is not permitted they are taken off the file and its folder, and put back.
void ApplianceRoot::change(const std::vector<std::string>& places, std::string_view doing,
                           const std::function<int()>& body) {
  const int first = body();
  // Programs in the appliance, such as ln, fail without a number.
  const int why = first == -1 ? m_appliance.last_errno() : 0;
  if (first != -1 || (why != EPERM && why != 0)) {
    return check_path(first, doing);
  }
  const std::string refusal = fmt::format("{}: {}", doing, m_appliance.last_error());
  std::vector<std::pair<std::string, std::string>> taken;
  for (const std::string& place : places) {
    const Owned<char, std::free> all(guestfs_get_e2attrs(m_appliance.get(), place.c_str()));
    std::string locks;
    for (const char lock : {'i', 'a'}) {
      if (all && std::string_view(all.get()).find(lock) != std::string_view::npos) {
        locks += lock;
      }
    }
    if (!locks.empty()) {
      m_appliance.check(guestfs_set_e2attrs(m_appliance.get(), place.c_str(), locks.c_str(),
                                            GUESTFS_SET_E2ATTRS_CLEAR, 1, -1),
                        fmt::format("unlocking {} in the guest", place));
      taken.emplace_back(place, locks);
    }
  }
  if (taken.empty()) {
    throw Error(ErrorKind::tool_failed, refusal);
  }
  const int second = body();
  const int code = m_appliance.last_errno();
  const std::string said = second == -1 ? m_appliance.last_error() : "";
  for (const auto& [place, locks] : taken) {
    if (lstat(place).kind != FileKind::missing) {  // else it was the file to be removed
      m_appliance.check(guestfs_set_e2attrs(m_appliance.get(), place.c_str(), locks.c_str(), -1),
                        fmt::format("locking {} in the guest again", place));
    }
  }
  if (second == -1) {
    throw Error(is_fault_of_tree(code) ? ErrorKind::bad_input : ErrorKind::tool_failed,
                fmt::format("{}: {}", doing, said));
  }
}

// As check(), but a path that the guest's own files make impossible is the guest's fault.
void ApplianceRoot::check_path(int result, std::string_view doing) {
  if (result == -1 && is_fault_of_tree(m_appliance.last_errno())) {
    throw Error(ErrorKind::bad_input, fmt::format("{}: {}", doing, m_appliance.last_error()));
  }
  m_appliance.check(result, doing);
}

// A new file in a guest with SELinux needs a label; its folder's is what the kernel would give.
void ApplianceRoot::label_like_folder(const std::string& path, const std::string& folder) {
  constexpr const char* k_label = "security.selinux";
  std::size_t size = 0;
  const Owned<char, std::free> label(
      guestfs_lgetxattr(m_appliance.get(), folder.c_str(), k_label, &size));
  if (label) {
    m_appliance.check(guestfs_lsetxattr(m_appliance.get(), k_label, label.get(),
                                        static_cast<int>(size), path.c_str()),
                      fmt::format("setting the SELinux label of {} in the guest", path));
  }
}

// A program that writes a file anew (an initramfs) leaves it without a label here, where no policy
// is loaded. What it was told to write stands among its words.
void ApplianceRoot::label_what_is_new(const std::vector<std::string>& paths) {
  for (const std::string& path : paths) {
    if (!path.starts_with('/') || lstat(path).kind != FileKind::file) {
      continue;
    }
    std::size_t size = 0;
    const Owned<char, std::free> label(
        guestfs_lgetxattr(m_appliance.get(), path.c_str(), "security.selinux", &size));
    if (!label) {
      label_like_folder(path, folder_of(path));
    }
  }
}

// Where a write to `path` ends: a link that leads to nothing yet names the file to be made.
std::string ApplianceRoot::follow_to_new(std::string path, std::string_view doing) {
  constexpr int k_most_links = 40;
  for (int links = 0; lstat(path).kind == FileKind::symlink; ++links) {
    if (links == k_most_links) {
      throw Error(ErrorKind::bad_input, fmt::format("{}: its links go round in circles", doing));
    }
    const std::string target = read_link(path);
    path =
        checked(target.starts_with('/') ? target : fmt::format("{}/{}", folder_of(path), target));
  }
  return path;
}

void ApplianceRoot::write(std::string_view path, std::string_view content, unsigned mode) {
  std::string name = checked(path);
  const std::string doing = fmt::format("writing {} in the guest", name);
  const FileStat old = stat(name);
  if (old.kind != FileKind::missing && old.kind != FileKind::file) {
    throw Error(ErrorKind::bad_input, fmt::format("{}: it is no regular file", doing));
  }
  std::string folder;
  if (old.kind == FileKind::missing) {
    name = follow_to_new(name, doing);
    folder = make_folder_of(name);
  }
  // Into the file that is there, so that its owner, mode and attributes stay. In parts, for
  // libguestfs sends longer texts the slow way, through a file of its own.
  const std::string_view head = content.substr(0, k_chunk);
  const std::string place =
      old.kind == FileKind::missing
          ? folder
          : m_appliance.text(guestfs_realpath(m_appliance.get(), name.c_str()), doing);
  change({place}, doing, [&] {
    int result = guestfs_write(m_appliance.get(), name.c_str(), head.data(), head.size());
    for (std::size_t at = head.size(); result == 0 && at < content.size(); at += k_chunk) {
      const std::string_view part = content.substr(at, k_chunk);
      result = guestfs_write_append(m_appliance.get(), name.c_str(), part.data(), part.size());
    }
    return result;
  });
  if (old.kind == FileKind::missing) {
    m_appliance.check(guestfs_chmod(m_appliance.get(), static_cast<int>(mode), name.c_str()),
                      doing);
    label_like_folder(name, folder);
  }
}

void ApplianceRoot::symlink(std::string_view path, std::string_view target) {
  const std::string name = checked(path);
  const std::string doing = fmt::format("making the link {} in the guest", name);
  remove(path);
  // The appliance's `ln` follows links in the name with its own root, so they are resolved first.
  const std::string folder = make_folder_of(name);
  const std::string real = (folder == "/" ? "" : folder) + "/" + name.substr(name.rfind('/') + 1);
  const std::string to(target);
  change({folder}, doing,
         [&] { return guestfs_ln_s(m_appliance.get(), to.c_str(), real.c_str()); });
  label_like_folder(real, folder);
}

void ApplianceRoot::remove(std::string_view path) {
  const std::string name = checked(path);
  const FileKind kind = lstat(path).kind;
  if (kind == FileKind::missing) {
    return;
  }
  if (kind == FileKind::directory) {
    throw Error(ErrorKind::bad_input, fmt::format("{} in the guest is a folder", name));
  }
  const std::string doing = fmt::format("removing {} in the guest", name);
  std::vector<std::string> places = {
      m_appliance.text(guestfs_realpath(m_appliance.get(), folder_of(name).c_str()), doing)};
  if (kind == FileKind::file) {
    places.push_back(name);
  }
  change(places, doing, [&] { return guestfs_rm(m_appliance.get(), name.c_str()); });
}

void ApplianceRoot::remove_tree(std::string_view path) {
  const std::string name = checked(path);
  const FileKind kind = lstat(path).kind;
  if (kind != FileKind::directory) {
    return remove(path);
  }
  const std::string real = m_appliance.text(guestfs_realpath(m_appliance.get(), name.c_str()),
                                            fmt::format("following {} in the guest", name));
  if (real == "/") {
    throw Error(ErrorKind::bad_input, fmt::format("{} is the guest's root", name));
  }
  m_appliance.check(guestfs_rm_rf(m_appliance.get(), real.c_str()),
                    fmt::format("removing the folder {} in the guest", real));
}

ProgramResult ApplianceRoot::run(const std::vector<std::string>& argv) {
  std::vector<std::string> owned = argv;
  std::vector<char*> words = c_words(owned);
  m_appliance.watch().arm(k_program_limit);
  char* output = guestfs_command(m_appliance.get(), words.data());
  m_appliance.watch().disarm();
  if (output != nullptr) {
    const Owned<char, std::free> holder(output);
    label_what_is_new({argv.begin() + 1, argv.end()});
    return {.exit_code = 0, .output = output};
  }
  // libguestfs gives only the program's words; a machine that is gone is another matter.
  if (m_appliance.watch().timed_out() || guestfs_is_ready(m_appliance.get()) != 1) {
    m_appliance.fail(fmt::format("running {} in the guest", join(argv, " ")));
  }
  return {.exit_code = 1, .output = m_appliance.last_error()};
}

std::string ApplianceRoot::read_disk(std::string_view disk, std::uint64_t offset,
                                     std::uint64_t length) {
  if (length > k_binary_limit) {
    throw Error(ErrorKind::internal, fmt::format("reading {} bytes of disk {}", length, disk));
  }
  const std::string device = to_appliance(disk);
  const std::string doing = fmt::format("reading disk {} at byte {}", disk, offset);
  std::string content;
  while (content.size() < length) {
    const std::uint64_t want = std::min(k_chunk, length - content.size());
    std::size_t got = 0;
    const Owned<char, std::free> bytes(
        guestfs_pread_device(m_appliance.get(), device.c_str(), static_cast<int>(want),
                             static_cast<std::int64_t>(offset + content.size()), &got));
    if (!bytes) {
      m_appliance.fail(doing);
    }
    if (got == 0) {
      throw Error(ErrorKind::bad_input, fmt::format("{}: the disk ends there", doing));
    }
    content.append(bytes.get(), got);
  }
  return content;
}

void ApplianceRoot::write_disk(std::string_view disk, std::uint64_t offset,
                               std::string_view content) {
  const std::string device = to_appliance(disk);
  const std::string doing = fmt::format("writing disk {} at byte {}", disk, offset);
  // The disk and its partitions have caches of their own, of whole pages: a page of the disk that
  // reaches into a partition must be read anew now, or old bytes of it would be written back.
  if (offset % k_page != 0 || (offset + content.size()) % k_page != 0) {
    m_appliance.check(guestfs_sync(m_appliance.get()), doing);
    m_appliance.check(guestfs_blockdev_flushbufs(m_appliance.get(), device.c_str()), doing);
  }
  while (!content.empty()) {
    const std::size_t part = std::min<std::size_t>(content.size(), k_chunk);
    const int done = guestfs_pwrite_device(m_appliance.get(), device.c_str(), content.data(), part,
                                           static_cast<std::int64_t>(offset));
    m_appliance.check(done, doing);
    if (done == 0) {
      throw Error(ErrorKind::bad_input, fmt::format("{}: the disk ends there", doing));
    }
    content.remove_prefix(static_cast<std::size_t>(done));
    offset += static_cast<std::uint64_t>(done);
  }
}

std::string ApplianceRoot::to_appliance(std::string_view device) const {
  for (const std::vector<std::string>* names : {&m_disks, &m_also}) {
    for (std::size_t i = 0; i < names->size(); ++i) {
      const std::string& disk = (*names)[i];
      if (device.starts_with(disk) &&
          device.find_first_not_of("0123456789", disk.size()) == std::string_view::npos) {
        return fmt::format("/dev/sd{}{}", disk_letters(i), device.substr(disk.size()));
      }
    }
  }
  if (device.find('/') != std::string_view::npos || device.starts_with("md")) {
    return fmt::format("/dev/{}", device);
  }
  throw Error(ErrorKind::internal, fmt::format("the appliance has no disk {}", device));
}

std::string ApplianceRoot::from_appliance(std::string_view device) const {
  std::string name(device.starts_with("/dev/") ? device.substr(5) : device);
  for (std::size_t i = 0; i < m_disks.size(); ++i) {
    const std::string disk = "sd" + disk_letters(i);
    if (name.starts_with(disk) &&
        name.find_first_not_of("0123456789", disk.size()) == std::string::npos) {
      return m_disks[i] + name.substr(disk.size());
    }
  }
  return name;
}

}  // namespace vmconvert::guest
