// What a device name inside the guest stands for: fstab specs and root= arguments.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "guest/guest_root.hpp"
#include "model/guest_facts.hpp"
#include "model/layout.hpp"

namespace vmconvert::guest {

// "vg-a" and "root" are one name, "vg--a-root", under /dev/mapper; here "vg-a/root".
// Empty when the name has no such form.
std::string volume_of_mapper_name(std::string_view mapper_name);

// PARTUUID of a partition, in lower case, read from the disk's table; empty when there is none.
std::string partition_uuid(GuestRoot& guest, std::string_view disk, unsigned number);

struct DeviceNames {
  const std::vector<model::Filesystem>& filesystems;
  // How names of the source read on the target. Empty: names are the target's already.
  const std::vector<model::DeviceRename>& renames;
  // For PARTUUID= only; may be null.
  GuestRoot* guest = nullptr;

  // UUID=, LABEL=, PARTUUID=, /dev/disk/by-*, /dev/mapper/vg-lv, /dev/vg/lv, /dev/xvda1, /dev/md0.
  // Null when nothing that we know has that name.
  [[nodiscard]] const model::Filesystem* find(std::string_view spec) const;
};

}  // namespace vmconvert::guest
