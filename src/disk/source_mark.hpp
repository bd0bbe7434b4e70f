// By what a source is known to be as it was when the run began: nothing may write to it meanwhile.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/units.hpp"

namespace vmconvert::disk {

struct SourceMark {
  std::filesystem::path
      path;  // as the operator named it: /dev/dm-3 is another volume after a reboot
  bool block_device = false;
  std::uint64_t identity = 0;  // a file's inode, a device's number
  ByteCount size;
  std::int64_t changed_ns = 0;        // a file's mtime
  std::uint64_t sectors_written = 0;  // to a device by anybody, since the host started
  std::string boot;                   // of the host; a device's numbers hold for one boot
  // What a device says of itself in sysfs, the same after a reboot: device-mapper's uuid
  // ("LVM-..."), or a disk's serial number with the number of the partition. Empty: it says
  // nothing.
  std::string serial = {};
};

// Error(not_found) or Error(io) naming the path.
SourceMark mark_source(const std::filesystem::path& path);

// What has changed, as people read it; empty: nothing that can be seen.
std::string difference(const SourceMark& before, const SourceMark& now);

// Marks each source again. Error(refused) naming the first that is gone or another by now.
void require_unchanged(const std::vector<SourceMark>& marks);

}  // namespace vmconvert::disk
