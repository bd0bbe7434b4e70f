// What lies at some bytes of a finished disk, for people: partition, filesystem, files.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/subprocess.hpp"
#include "model/domain.hpp"
#include "model/extent.hpp"

namespace vmconvert::job {

struct FinishedDisk {
  std::filesystem::path path;
  model::DiskFormat format = model::DiskFormat::raw;
  std::filesystem::path sockets;  // private, for qcow2
};

// "partition 2 (ext4 from byte 1048576 on): /etc/fstab, /var/log/messages and 3 more". By the
// disk's own table; files only on raw disks with ext2, ext3 or ext4, and where `allocation_reader`
// is named. What cannot be found out is left out.
std::string place_on(const FinishedDisk& disk, const std::vector<model::ByteRange>& ranges,
                     const std::filesystem::path& allocation_reader, CommandRunner& commands);

}  // namespace vmconvert::job
