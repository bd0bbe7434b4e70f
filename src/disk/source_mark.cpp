#include "disk/source_mark.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <sstream>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/sysfs.hpp"
#include "base/text.hpp"
#include "disk/file_reader.hpp"

namespace vmconvert::disk {
namespace {

// Sectors written and discarded, of the kernel's Documentation/block/stat.rst. Nothing where the
// kernel does not count for this device.
std::uint64_t sectors_written(dev_t device) {
  constexpr int k_written = 7;
  constexpr int k_discarded = 14;
  std::uint64_t sum = 0;
  try {
    std::istringstream fields(read_text_file(sysfs_folder(device) / "stat", 4096));
    std::uint64_t value = 0;
    for (int field = 1; fields >> value; ++field) {
      sum += field == k_written || field == k_discarded ? value : 0;
    }
  } catch (const Error&) {
    return 0;
  }
  return sum;
}

// A volume's identity, or a serial number.
std::string serial_of(dev_t device) {
  const std::filesystem::path entry = sysfs_folder(device);
  const std::string volume = sysfs_text(entry / "dm/uuid");
  if (!volume.empty()) {
    return volume;
  }
  const std::string partition = sysfs_text(entry / "partition");
  const std::string serial = disk_serial(partition.empty() ? entry : entry / "..");
  return serial.empty() || partition.empty() ? serial
                                             : fmt::format("{}, partition {}", serial, partition);
}

std::string boot_id() {
  return std::string(trim(read_text_file("/proc/sys/kernel/random/boot_id", 4096)));
}

}  // namespace

SourceMark mark_source(const std::filesystem::path& path) {
  const OpenSource opened = open_source(path, path.string());
  struct stat status {};
  if (::fstat(opened.fd.get(), &status) != 0) {
    throw_errno(errno, fmt::format("looking at {}", path.string()));
  }
  SourceMark mark;
  mark.path = path;
  mark.block_device = opened.block_device;
  mark.size = opened.size;
  mark.boot = boot_id();
  if (opened.block_device) {
    mark.identity = status.st_rdev;
    mark.sectors_written = sectors_written(status.st_rdev);
    mark.serial = serial_of(status.st_rdev);
  } else {
    mark.identity = status.st_ino;
    mark.changed_ns = status.st_mtim.tv_sec * std::int64_t{1'000'000'000} + status.st_mtim.tv_nsec;
  }
  return mark;
}

std::string difference(const SourceMark& before, const SourceMark& now) {
  const bool same_boot = before.boot == now.boot;
  if (before.block_device != now.block_device ||
      (before.identity != now.identity && (same_boot || !now.block_device))) {
    return "it is another file or device by now";
  }
  if (!before.serial.empty() && before.serial != now.serial) {
    return fmt::format("another device has its name: it was {} and is {}", before.serial,
                       now.serial.empty() ? "one without a serial number" : now.serial);
  }
  if (before.size != now.size) {
    return fmt::format("it had {} bytes and has {}", before.size.value, now.size.value);
  }
  if (before.changed_ns != now.changed_ns ||
      (same_boot && before.sectors_written != now.sectors_written)) {
    return "it was written to";
  }
  return "";
}

void require_unchanged(const std::vector<SourceMark>& marks) {
  constexpr const char* k_remedy =
      "find out who uses it (is the guest running?), make sure that nobody does, and convert the "
      "guest as it is then";
  for (const SourceMark& mark : marks) {
    std::string what;
    try {
      what = difference(mark, mark_source(mark.path));
    } catch (const Error& error) {
      what = error.message();
    }
    if (!what.empty()) {
      throw Error(ErrorKind::refused,
                  fmt::format("the source {} has changed since the run began: {}",
                              mark.path.string(), what),
                  k_remedy);
    }
  }
}

}  // namespace vmconvert::disk
