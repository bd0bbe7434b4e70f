// Trimming: every filesystem tells the overlay which of its blocks are free.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "guest/inspect_disks.hpp"

namespace vmconvert::guest {
namespace {

bool can_trim(const model::Filesystem& fs) {
  return fs.type.starts_with("ext") || fs.type == "xfs" || fs.type == "btrfs";
}

// A folder over which a filesystem can be mounted for a moment.
std::string spare_folder(ApplianceRoot& root, const model::GuestFacts& facts) {
  for (const char* path : {"/mnt", "/media", "/tmp"}) {
    const bool taken =
        std::any_of(facts.filesystems.begin(), facts.filesystems.end(),
                    [&](const model::Filesystem& fs) { return fs.mountpoint == path; });
    if (!taken && root.lstat(path).kind == FileKind::directory) {
      return path;
    }
  }
  return {};
}

}  // namespace

std::vector<std::string> trim_filesystems(ApplianceHandle& appliance, ApplianceRoot& root,
                                          const model::GuestFacts& facts) {
  guestfs_h* g = appliance.get();
  // Blocks of deleted files are free only once the journal says so.
  appliance.check(guestfs_sync(g), "writing the guest's changes back");
  std::vector<std::string> notes;
  for (const model::Filesystem& fs : facts.filesystems) {
    if (!can_trim(fs)) {
      continue;
    }
    const bool mounted = !fs.mountpoint.empty();
    const std::string where = mounted ? fs.mountpoint : spare_folder(root, facts);
    if (where.empty() ||
        (!mounted &&
         guestfs_mount_options(g, "", root.to_appliance(fs.device).c_str(), where.c_str()) != 0)) {
      notes.push_back(fmt::format("{} ({}) cannot be mounted for trimming", fs.device, fs.type));
      continue;
    }
    if (guestfs_fstrim(g, where.c_str(), -1) != 0) {
      notes.push_back(fmt::format("{} ({}) cannot be trimmed, so its free blocks are copied: {}",
                                  fs.device, fs.type, appliance.last_error()));
    }
    if (!mounted) {
      appliance.check(guestfs_umount(g, where.c_str()),
                      fmt::format("unmounting {} after trimming", fs.device));
    }
  }
  return notes;
}

}  // namespace vmconvert::guest
