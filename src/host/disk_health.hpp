// What is known of the disks below a source without reading them: errors in the kernel's log, and
// the disks' own word (SMART). A copy that meets a bad sector after hours is late news.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/subprocess.hpp"
#include "model/host_fit.hpp"

namespace vmconvert::host {

// The disks that the device lies on, itself among them, without partitions: dm-3 and sda for a
// logical volume. Empty for what is no block device.
std::vector<std::string> disks_below(const std::filesystem::path& device,
                                     const std::filesystem::path& sysfs = "/sys");

struct LoggedErrors {
  std::uint64_t count = 0;
  std::uint64_t first_sector = 0;
};
// Pure: of reading, by device as the kernel names it, a partition by its disk. Of a log that has
// wrapped around, what is left.
std::map<std::string, LoggedErrors> parse_disk_errors(std::string_view kernel_log);

// What the kernel has in its log; empty where this user may not read it.
std::string kernel_log();

// Whether smartctl says that the disk fails. No where it is not installed, or cannot tell.
bool says_that_it_fails(const std::string& kernel_name, CommandRunner& commands);

// Of those disks, the ones with something to say.
std::vector<model::DiskHealth> disk_health(const std::filesystem::path& device,
                                           const std::string& log, CommandRunner& commands);

}  // namespace vmconvert::host
