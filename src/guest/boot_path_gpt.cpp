// A root that no argument names: systemd in the initramfs takes the partition of the root's type
// from the disk that its loader came from (systemd-gpt-auto-generator(8)).
#include <algorithm>

#include "guest/boot_path_steps.hpp"
#include "guest/gpt_partitions.hpp"

namespace vmconvert::guest {
namespace {

// The Discoverable Partitions Specification (UAPI.2).
std::string_view root_type(const std::string& arch) {
  return arch == "x86_64" ? "4f68bce3-e8cd-4db1-96e7-fbcaf984b709"
                          : "44479540-f297-41b2-9af7-d131d5f0458a";
}

}  // namespace

bool is_root_by_type(BootWalk& walk, const std::vector<std::string>& initramfs) {
  const bool generator = std::any_of(initramfs.begin(), initramfs.end(), [](const auto& path) {
    return path.ends_with("/systemd-gpt-auto-generator");
  });
  if (!generator) {
    return false;
  }
  for (const model::TargetDisk& disk : walk.layout.disks) {
    const bool of_loader = std::any_of(walk.facts.filesystems.begin(), walk.facts.filesystems.end(),
                                       [&](const model::Filesystem& fs) {
                                         return fs.type == "vfat" && !fs.mountpoint.empty() &&
                                                fs.device.starts_with(disk.name);
                                       });
    if (!of_loader || !walk.facts.root_device.starts_with(disk.name)) {
      continue;
    }
    const auto found =
        partitions_of_type(walk.guest, disk.name, disk.size.value, root_type(walk.facts.arch));
    return found.size() == 1 &&
           model::partition_name(disk.name, found.front()) == walk.facts.root_device;
  }
  return false;
}

}  // namespace vmconvert::guest
