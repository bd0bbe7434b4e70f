// Which filesystems the appliance sees, which of them is the guest's root, and mounting them.
#pragma once

#include <string>
#include <vector>

#include "guest/appliance_root.hpp"
#include "guest/inspect.hpp"
#include "model/guest_facts.hpp"
#include "model/guest_survey.hpp"
#include "model/layout.hpp"

namespace vmconvert::guest {

// On partitions, undivided disks and logical volumes; swap and parts of volume groups as well.
std::vector<model::Filesystem> list_filesystems(ApplianceHandle& appliance, ApplianceRoot& root,
                                                const std::vector<std::string>& disks);

// As it was made, so that it can be made again.
struct GuestMount {
  std::string device;  // vda2
  std::string options;
  std::string where;
};

struct MountedGuest {
  // filesystems, root_device and boot_device are filled.
  model::GuestFacts facts;
  std::vector<std::string> notes;
  std::vector<model::UnreadFilesystem> unread;
  std::vector<std::string> roots;
  std::vector<GuestMount> mounts;  // in the order in which they were made
};

// Mounts for writing. Error(bad_input) without a system, Error(refused) if there are several and
// nothing says which.
MountedGuest mount_guest(ApplianceHandle& appliance, ApplianceRoot& root,
                         const std::vector<std::string>& disks,
                         const std::vector<model::DeviceRename>& renames, const RootHint& hint);

// Tells the disks which blocks of these filesystems are free; what failed, in words.
std::vector<std::string> trim_filesystems(ApplianceHandle& appliance, ApplianceRoot& root,
                                          const model::GuestFacts& facts);

}  // namespace vmconvert::guest
