#include "model/hardware.hpp"

#include <algorithm>

namespace vmconvert::model {

std::string in_guest(const Hardware& hardware, const Layout& layout, const std::string& device) {
  const std::size_t known = std::min(hardware.in_guest.size(), layout.disks.size());
  for (std::size_t i = 0; i < known; ++i) {
    const std::string& disk = layout.disks[i].name;
    if (device.starts_with(disk) &&
        device.find_first_not_of("0123456789", disk.size()) == std::string::npos) {
      return hardware.in_guest[i] + device.substr(disk.size());
    }
  }
  return device;
}

Layout in_guest(const Hardware& hardware, const Layout& layout) {
  Layout seen = layout;
  for (TargetDisk& disk : seen.disks) {
    disk.name = in_guest(hardware, layout, disk.name);
  }
  for (DeviceRename& rename : seen.renames) {
    rename.to = in_guest(hardware, layout, rename.to);
  }
  return seen;
}

GuestFacts in_guest(const Hardware& hardware, const Layout& layout, const GuestFacts& facts) {
  GuestFacts seen = facts;
  seen.root_device = in_guest(hardware, layout, facts.root_device);
  seen.boot_device = in_guest(hardware, layout, facts.boot_device);
  for (Filesystem& fs : seen.filesystems) {
    fs.device = in_guest(hardware, layout, fs.device);
  }
  return seen;
}

IdChanges in_guest(const Hardware& hardware, const Layout& layout, const IdChanges& changes) {
  IdChanges seen = changes;
  for (IdChange& change : seen) {
    change.device = in_guest(hardware, layout, change.device);
  }
  return seen;
}

}  // namespace vmconvert::model
