#include "batch/devices.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <set>
#include <system_error>

#include "base/fd.hpp"
#include "base/text.hpp"

namespace vmconvert::batch {
namespace {

namespace fs = std::filesystem;

constexpr int k_deepest = 16;  // volumes on loop devices on volumes...
constexpr std::uint64_t k_line = 4096;

std::string line_of(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error) ? std::string(trim(read_text_file(path, k_line))) : "";
}

void find_physical(const std::string& number, const fs::path& sysfs, int depth,
                   std::set<std::string>& found);

void find_below(const fs::path& path, const fs::path& sysfs, int depth,
                std::set<std::string>& found) {
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0) {
    const dev_t device = S_ISBLK(info.st_mode) ? info.st_rdev : info.st_dev;
    find_physical(fmt::format("{}:{}", major(device), minor(device)), sysfs, depth, found);
  }
}

void find_physical(const std::string& number, const fs::path& sysfs, int depth,
                   std::set<std::string>& found) {
  std::error_code error;
  const fs::path entry = fs::canonical(sysfs / "dev/block" / number, error);
  if (error || depth >= k_deepest) {
    found.insert(number);  // a file system without a device of its own (btrfs, overlay, network)
    return;
  }
  bool deeper = false;
  for (const auto& below : fs::directory_iterator(entry / "slaves", error)) {
    find_physical(line_of(below.path() / "dev"), sysfs, depth + 1, found);
    deeper = true;
  }
  if (deeper) {
    return;
  }
  if (fs::exists(entry / "partition", error)) {
    find_physical(line_of(entry.parent_path() / "dev"), sysfs, depth + 1, found);
    return;
  }
  const std::string backing = line_of(entry / "loop/backing_file");
  if (!backing.empty() && fs::exists(backing, error)) {
    find_below(backing, sysfs, depth + 1, found);
    return;
  }
  found.insert(number);
}

ByteCount size_of(const fs::path& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  const off_t end = fd ? ::lseek(fd.get(), 0, SEEK_END) : -1;
  return ByteCount{end > 0 ? static_cast<std::uint64_t>(end) : 0};
}

}  // namespace

std::vector<std::string> physical_devices(const fs::path& path, const fs::path& sysfs) {
  std::set<std::string> found;
  find_below(path, sysfs, 0, found);
  found.erase("");
  return {found.begin(), found.end()};
}

SourceExtent look_at_disks(const model::Domain& domain) {
  SourceExtent extent;
  std::set<std::string> devices;
  for (const model::DomainDisk& disk : domain.disks) {
    if (disk.device == model::DiskDevice::disk && !disk.source.empty()) {
      const auto found = physical_devices(disk.source);
      devices.insert(found.begin(), found.end());
      extent.size = extent.size + size_of(disk.source);
    }
  }
  extent.devices = {devices.begin(), devices.end()};
  return extent;
}

}  // namespace vmconvert::batch
