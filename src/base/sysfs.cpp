#include "base/sysfs.hpp"

#include <fmt/format.h>
#include <sys/sysmacros.h>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/text.hpp"

namespace vmconvert {
namespace {

constexpr std::uint64_t k_longest = 4096;

}  // namespace

std::filesystem::path sysfs_folder(dev_t device) {
  return fmt::format("/sys/dev/block/{}:{}", major(device), minor(device));
}

std::string sysfs_text(const std::filesystem::path& file) {
  try {
    return printable(trim(read_text_file(file, k_longest)));
  } catch (const Error&) {
    return {};
  }
}

std::string disk_serial(const std::filesystem::path& disk) {
  for (const char* file : {"serial", "device/serial", "device/wwid", "wwid", "device/vpd_pg80"}) {
    std::string serial = sysfs_text(disk / file);
    if (!serial.empty()) {
      return serial;
    }
  }
  return {};
}

}  // namespace vmconvert
