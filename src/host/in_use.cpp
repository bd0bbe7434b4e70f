#include "host/in_use.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/text.hpp"

namespace vmconvert::host {
namespace {

namespace fs = std::filesystem;

// All names under which the kernel knows one source.
struct Source {
  fs::path path;
  std::optional<std::pair<dev_t, ino_t>> file;  // of an image file
  std::set<dev_t> devices;                      // the disk, its partitions, loops over the file
};

std::optional<dev_t> parse_device(std::string_view text) {
  const auto numbers = split(trim(text), ':');
  if (numbers.size() != 2) {
    return std::nullopt;
  }
  const auto high = parse_number(numbers[0]);
  const auto low = parse_number(numbers[1]);
  if (!high || !low) {
    return std::nullopt;
  }
  return ::makedev(static_cast<unsigned>(*high), static_cast<unsigned>(*low));
}

fs::path sys_folder(dev_t device) {
  return fmt::format("/sys/dev/block/{}:{}", ::major(device), ::minor(device));
}

void add_with_partitions(dev_t device, std::set<dev_t>& devices) {
  devices.insert(device);
  for (const fs::path& entry : list_folder(sys_folder(device))) {
    std::error_code ignored;
    if (fs::exists(entry / "partition", ignored)) {
      if (const auto partition = parse_device(read_text_or_empty(entry / "dev"))) {
        devices.insert(*partition);
      }
    }
  }
}

void add_loops(Source& source) {
  for (const fs::path& block : list_folder("/sys/block")) {
    const std::string backing = read_text_or_empty(block / "loop/backing_file");
    struct stat status {};
    if (!backing.empty() && ::stat(std::string(trim(backing)).c_str(), &status) == 0 &&
        source.file == std::pair(status.st_dev, status.st_ino)) {
      if (const auto loop = parse_device(read_text_or_empty(block / "dev"))) {
        add_with_partitions(*loop, source.devices);
      }
    }
  }
}

std::optional<Source> identify(const fs::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    return std::nullopt;
  }
  Source source{path, std::nullopt, {}};
  if (S_ISBLK(status.st_mode)) {
    add_with_partitions(status.st_rdev, source.devices);
  } else if (S_ISREG(status.st_mode)) {
    source.file = std::pair(status.st_dev, status.st_ino);
    add_loops(source);
  }
  return source;
}

// 0 when it is no block device.
dev_t device_at(const std::string& path) {
  struct stat status {};
  return path.starts_with('/') && ::stat(path.c_str(), &status) == 0 && S_ISBLK(status.st_mode)
             ? status.st_rdev
             : 0;
}

void add_mounts(const std::vector<Source>& sources, std::vector<InUse>& users) {
  for (const Mount& mount : parse_mountinfo(read_text_or_empty("/proc/self/mountinfo"))) {
    const dev_t named = mount.source.starts_with("/dev/") ? device_at(mount.source) : 0;
    for (const Source& source : sources) {
      if (source.devices.contains(mount.device) || (named != 0 && source.devices.contains(named))) {
        users.push_back({source.path,
                         fmt::format("mounted{} at {}", mount.read_only ? " read-only" : "",
                                     printable(mount.mountpoint)),
                         !mount.read_only});
      }
    }
  }
}

void add_swaps(const std::vector<Source>& sources, std::vector<InUse>& users) {
  for (const std::string& line : lines(read_text_or_empty("/proc/swaps"))) {
    const auto fields = words(line);
    const dev_t device = fields.empty() ? 0 : device_at(fields[0]);
    for (const Source& source : sources) {
      if (device != 0 && source.devices.contains(device)) {
        users.push_back({source.path, fmt::format("swap of this host ({})", fields[0])});
      }
    }
  }
}

void add_stacked(const std::vector<Source>& sources, std::vector<InUse>& users) {
  for (const Source& source : sources) {
    for (const dev_t device : source.devices) {
      for (const fs::path& holder : list_folder(sys_folder(device) / "holders")) {
        users.push_back({source.path, fmt::format("the device {} (LVM, kpartx or md) lies on it",
                                                  printable(holder.filename().string()))});
      }
    }
  }
}

bool open_for_writing(const fs::path& process, const std::string& fd) {
  const std::string info = read_text_or_empty(process / "fdinfo" / fd);
  for (const std::string& line : lines(info)) {
    if (line.starts_with("flags:")) {
      const std::string_view octal = trim(std::string_view(line).substr(6));
      unsigned flags = 0;
      std::from_chars(octal.data(), octal.data() + octal.size(), flags, 8);
      return (flags & static_cast<unsigned>(O_ACCMODE)) != O_RDONLY;
    }
  }
  return false;
}

bool is_same(const struct statx& status, const Source& source) {
  if (S_ISBLK(status.stx_mode)) {
    return source.devices.contains(::makedev(status.stx_rdev_major, status.stx_rdev_minor));
  }
  return S_ISREG(status.stx_mode) && source.file &&
         *source.file == std::pair<dev_t, ino_t>(
                             ::makedev(status.stx_dev_major, status.stx_dev_minor), status.stx_ino);
}

void add_openers_in(const fs::path& process, const std::vector<Source>& sources,
                    std::vector<InUse>& users) {
  std::set<const Source*> found;
  for (const fs::path& fd : list_folder(process / "fd")) {
    struct statx status {};
    // Not synchronised: a dead network filesystem must not make us wait.
    if (::statx(AT_FDCWD, fd.c_str(), AT_STATX_DONT_SYNC, STATX_TYPE | STATX_INO, &status) != 0) {
      continue;
    }
    for (const Source& source : sources) {
      if (!found.contains(&source) && is_same(status, source) &&
          open_for_writing(process, fd.filename().string())) {
        found.insert(&source);
        users.push_back(
            {source.path,
             fmt::format("process {} ({}) has it open for writing", process.filename().string(),
                         printable(trim(read_text_or_empty(process / "comm"))))});
      }
    }
  }
}

void add_openers(const std::vector<Source>& sources, std::vector<InUse>& users) {
  const std::string self = std::to_string(::getpid());
  for (const fs::path& process : list_folder("/proc")) {
    const std::string name = process.filename().string();
    if (name != self && parse_number(name)) {
      add_openers_in(process, sources, users);
    }
  }
}

// Blanks and the like come as \040 in mountinfo.
std::string octal_decoded(const std::string& text) {
  std::string decoded;
  for (std::size_t at = 0; at < text.size(); ++at) {
    unsigned byte = 0;
    const char* digits = text.data() + at + 1;
    if (text[at] == '\\' && at + 3 < text.size() &&
        std::from_chars(digits, digits + 3, byte, 8).ptr == digits + 3 && byte < 256) {
      decoded += static_cast<char>(byte);
      at += 3;
    } else {
      decoded += text[at];
    }
  }
  return decoded;
}

bool has_option(const std::string& options, std::string_view wanted) {
  const auto all = split(options, ',');
  return std::find(all.begin(), all.end(), wanted) != all.end();
}

}  // namespace

std::vector<Mount> parse_mountinfo(std::string_view text) {
  std::vector<Mount> mounts;
  for (const std::string& line : lines(text)) {
    // 36 35 98:0 /root /mountpoint options [tags...] - type source super-options
    const auto fields = words(line);
    const auto dash = std::find(fields.begin(), fields.end(), "-");
    if (fields.size() < 6 || fields.end() - dash < 4 || dash - fields.begin() < 6) {
      continue;
    }
    if (const auto device = parse_device(fields[2])) {
      mounts.push_back(
          {*device, octal_decoded(dash[2]), octal_decoded(fields[4]), has_option(dash[3], "ro")});
    }
  }
  return mounts;
}

std::vector<InUse> find_users(const std::vector<fs::path>& paths) {
  std::vector<Source> sources;
  for (const fs::path& path : paths) {
    if (auto source = identify(path)) {
      sources.push_back(std::move(*source));
    }
  }
  std::vector<InUse> users;
  if (!sources.empty()) {
    add_mounts(sources, users);
    add_swaps(sources, users);
    add_stacked(sources, users);
    add_openers(sources, users);
  }
  return users;
}

}  // namespace vmconvert::host
