#include "guest/set_ids.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "base/error.hpp"
#include "guest/array_ids.hpp"
#include "guest/fat_ids.hpp"
#include "guest/luks_ids.hpp"
#include "guest/lvm_ids.hpp"
#include "guest/new_ids.hpp"
#include "guest/table_ids.hpp"

namespace vmconvert::guest {
namespace {

using model::IdChange;
using model::IdKind;

// Why it cannot be changed; empty: it was.
std::string set_one(const IdPlaces& places, const IdChange& change) {
  guestfs_h* g = places.appliance.get();
  if (change.type == "vfat") {
    return set_fat_id(places.root, change.device, change.from, change.to)
               ? ""
               : "its volume ID is not where FAT has it";
  }
  if (change.type == "crypto_LUKS") {
    return set_luks_id(places.root, change.device, change.from, change.to)
               ? ""
               : "its header cannot be read in full";
  }
  const std::string device = places.root.to_appliance(change.device);
  // tune2fs takes a filesystem with checksums only after a whole check; the UUID is part of each.
  if (change.type.starts_with("ext") &&
      guestfs_e2fsck(g, device.c_str(), GUESTFS_E2FSCK_CORRECT, 1, -1) != 0) {
    return "its check failed: " + places.appliance.last_error();
  }
  if (guestfs_set_uuid(g, device.c_str(), change.to.c_str()) != 0) {
    if (guestfs_is_ready(g) != 1) {
      places.appliance.fail(fmt::format("setting the UUID of {}", change.device));
    }
    return places.appliance.last_error();
  }
  return {};
}

bool is_of_lvm(const IdChange& change) {
  return change.kind == IdKind::physical_volume || change.kind == IdKind::volume_group;
}

// The kernel's volumes know nothing of ids, but LVM's programs compare them: so they go, and come
// back under the new ones.
void set_volumes(const IdPlaces& places, model::IdChanges& changes, model::Findings& kept) {
  if (std::none_of(changes.begin(), changes.end(), is_of_lvm)) {
    return;
  }
  guestfs_h* g = places.appliance.get();
  if (guestfs_vg_activate_all(g, 0) != 0) {
    const std::string why = "its group is in use: " + places.appliance.last_error();
    for (const IdChange& change : changes) {
      if (is_of_lvm(change)) {
        kept.push_back(kept_id(change.device, change.type, why));
      }
    }
    std::erase_if(changes, is_of_lvm);
  }
  for (const IdChange& change : changes) {
    if (change.kind == IdKind::physical_volume) {
      set_lvm_ids(places.root, change.device, changes);
    }
  }
  places.appliance.check(guestfs_vg_activate_all(g, 1), "activating the guest's volume groups");
}

}  // namespace

model::Findings set_new_ids(const IdPlaces& places, model::IdChanges& changes) {
  guestfs_h* g = places.appliance.get();
  places.appliance.check(guestfs_umount_all(g), "unmounting the guest's filesystems");
  model::Findings kept;
  model::IdChanges made;
  for (const IdChange& change : changes) {
    const std::string why = change.kind == IdKind::filesystem ? set_one(places, change) : "";
    if (why.empty()) {
      made.push_back(change);
    } else {
      kept.push_back(kept_id(change.device, change.type, why));
    }
  }
  changes = std::move(made);
  for (const model::TargetDisk& disk : places.layout.disks) {
    set_table_ids(places.root, disk, changes);
  }
  set_volumes(places, changes, kept);
  for (const GuestMount& mount : places.mounts) {
    places.appliance.check(
        guestfs_mount_options(g, mount.options.c_str(),
                              places.root.to_appliance(mount.device).c_str(), mount.where.c_str()),
        fmt::format("mounting {} again, with its new UUID", mount.device));
  }
  return kept;
}

void set_array_ids(ApplianceHandle& appliance, ApplianceRoot& root,
                   const std::vector<model::Filesystem>& filesystems,
                   const model::IdChanges& changes) {
  guestfs_h* g = appliance.get();
  appliance.check(guestfs_umount_all(g), "unmounting the guest's filesystems");
  appliance.check(guestfs_vg_activate_all(g, 0), "stopping the guest's volume groups");
  for (const std::string& device :
       appliance.list(guestfs_list_md_devices(g), "listing the arrays")) {
    appliance.check(guestfs_md_stop(g, device.c_str()), "stopping the guest's arrays");
  }
  for (const IdChange& change : changes) {
    for (const model::Filesystem& fs : filesystems) {
      if (change.kind == IdKind::array && fs.type == "linux_raid_member" &&
          fs.uuid == change.from &&
          !set_array_id(root, fs.device, fs.size, change.from, change.to)) {
        throw Error(ErrorKind::bad_input,
                    fmt::format("{}: the superblock of its array is not as it was", fs.device));
      }
    }
  }
}

}  // namespace vmconvert::guest
