// What the kernel says of block devices in /sys: text that a device's firmware may have written, so
// it is printable and short; empty where there is none.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>

namespace vmconvert {

// /sys/dev/block/8:17. A partition's folder lies inside its disk's.
std::filesystem::path sysfs_folder(dev_t device);

// A file of one line, trimmed. sysfs has files that are there and refuse to be read.
std::string sysfs_text(const std::filesystem::path& file);

// Of a whole disk, by its folder: ATA, SCSI, NVMe and virtio keep it in different files.
std::string disk_serial(const std::filesystem::path& disk);

}  // namespace vmconvert
