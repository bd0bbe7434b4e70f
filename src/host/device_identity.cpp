#include "host/device_identity.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <algorithm>
#include <vector>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/sysfs.hpp"
#include "base/text.hpp"
#include "host/lvm.hpp"

namespace vmconvert::host {
namespace {

namespace fs = std::filesystem;

// The shortest: "ata-MODEL_SERIAL-part2" rather than "wwn-0x..." and its like, by sort order.
std::string stable_name(dev_t device) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/dev/disk/by-id", error)) {
    struct stat status {};
    if (::stat(entry.path().c_str(), &status) == 0 && S_ISBLK(status.st_mode) &&
        status.st_rdev == device) {
      names.push_back(entry.path().string());
    }
  }
  std::sort(names.begin(), names.end());
  return names.empty() ? std::string() : printable(names.front());
}

unsigned sector_size(const fs::path& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  int size = 0;
  return fd.get() >= 0 && ::ioctl(fd.get(), BLKSSZGET, &size) == 0 && size > 0
             ? static_cast<unsigned>(size)
             : static_cast<unsigned>(k_sector_size);
}

void look_at_snapshot(model::DeviceIdentity& identity, const VolumeName& name,
                      CommandRunner& commands) {
  const auto volume = logical_volume(commands, name);
  if (volume && !volume->origin.empty() && volume->pool.empty()) {
    identity.snapshot_percent = volume->data_percent;
    identity.snapshot_full = volume->attributes.invalid_snapshot;
  }
}

}  // namespace

model::DeviceIdentity identify_device(const fs::path& path, CommandRunner& commands) {
  model::DeviceIdentity identity;
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0 || !S_ISBLK(status.st_mode)) {
    return identity;
  }
  identity.sector_size = sector_size(path);
  std::error_code error;
  const fs::path sys = fs::canonical(sysfs_folder(status.st_rdev), error);
  if (error) {
    return identity;
  }
  identity.kernel_name = sys.filename().string();
  fs::path disk = sys;
  if (fs::exists(sys / "partition", error)) {
    disk = sys.parent_path();
    identity.parent = disk.filename().string();
  }
  identity.serial = disk_serial(disk);
  identity.stable_name = stable_name(status.st_rdev);
  if (const auto volume =
          volume_from_device_mapper(sysfs_text(sys / "dm/name"), sysfs_text(sys / "dm/uuid"))) {
    identity.volume = to_text(*volume);
    look_at_snapshot(identity, *volume, commands);
  }
  return identity;
}

}  // namespace vmconvert::host
