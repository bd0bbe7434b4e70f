// The boot path's last links: the filesystems that must be there, and the first program.
#include <fmt/format.h>

#include "base/text.hpp"
#include "guest/boot_path_steps.hpp"
#include "guest/device_names.hpp"
#include "guest/fstab.hpp"

namespace vmconvert::guest {
namespace {

// Made at boot from other devices, which crypttab names, or by a name that only the guest knows.
bool is_made_at_boot(BootWalk& walk, const std::string& device) {
  if (device.starts_with("/dev/md")) {
    return true;
  }
  const std::string mapper = "/dev/mapper/";
  for (const std::string& line : lines(walk.guest.read_if_there("/etc/crypttab").value_or(""))) {
    const std::vector<std::string> fields = words(line);
    if (!fields.empty() && device == mapper + fields[0]) {
      return true;
    }
  }
  return false;
}

}  // namespace

void walk_fstab(BootWalk& walk) {
  const auto text = walk.guest.read_if_there("/etc/fstab");
  if (!text) {
    walk.found("fstab", "the guest has none");
    return;
  }
  const DeviceNames names{walk.facts.filesystems, {}, &walk.guest};
  std::size_t resolved = 0;
  std::vector<std::string> missing;
  for (const FstabEntry& entry : read_fstab(*text)) {
    if (entry.has_option("noauto") || entry.has_option("nofail") || !entry.is_local_device()) {
      continue;
    }
    const model::Filesystem* fs = names.find(entry.device);
    if (fs == nullptr && is_made_at_boot(walk, entry.device)) {
      continue;
    }
    if (fs == nullptr) {
      missing.push_back(
          fmt::format("line {} ({} at {})", entry.line, entry.device, entry.mountpoint));
    } else {
      ++resolved;
    }
  }
  if (!missing.empty()) {
    walk.broken("fstab", fmt::format("/etc/fstab names what is not there: {}", join(missing, ", ")),
                "correct these lines, or add nofail to their options");
    return;
  }
  walk.found("fstab", fmt::format("{} lines resolve", resolved));
}

void walk_init(BootWalk& walk, const std::string& wanted) {
  std::vector<std::string> candidates = {"/sbin/init", "/etc/init", "/bin/init",
                                         "/lib/systemd/systemd"};
  if (!wanted.empty()) {
    candidates = {wanted};
  }
  for (const std::string& path : candidates) {
    const FileStat found = walk.guest.stat(path);
    if (path.starts_with('/') && found.kind == FileKind::file && (found.mode & 0111U) != 0) {
      walk.found("init", path);
      return;
    }
  }
  walk.broken("init", fmt::format("the guest has no {} that can run", join(candidates, ", ")),
              wanted.empty() ? "install an init in the guest" : "correct init= in the boot menu");
}

}  // namespace vmconvert::guest
