// Who else uses a source disk: copying under a writer gives a guest that never existed.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace vmconvert::host {

struct InUse {
  std::filesystem::path path;  // as it was given
  std::string who;             // "mounted at /mnt", "process 812 (qemu-system-x86)"
  bool writes = true;          // false: mounted read-only
};

// Looks once, for all paths: mounts and swap on a disk, on its partitions and on loop devices over
// a file; devices stacked on it (LVM, kpartx, md); files open for writing in other processes.
// Paths that are not there have no users. What we may not see (other users' processes) is not seen.
std::vector<InUse> find_users(const std::vector<std::filesystem::path>& paths);

struct Mount {
  dev_t device = 0;    // of the filesystem; not of the disk for btrfs and its like
  std::string source;  // /dev/...; may be any text
  std::string mountpoint;
  bool read_only = false;  // the filesystem itself, not just this mount
};

// /proc/self/mountinfo; lines that do not parse are left out.
std::vector<Mount> parse_mountinfo(std::string_view text);

}  // namespace vmconvert::host
