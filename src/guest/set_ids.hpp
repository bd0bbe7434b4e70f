// New ids for what lies on the guest's disks, set in the appliance by each content's own tool.
#pragma once

#include <vector>

#include "guest/appliance_root.hpp"
#include "guest/inspect_disks.hpp"
#include "model/finding.hpp"
#include "model/id_change.hpp"
#include "model/layout.hpp"

namespace vmconvert::guest {

struct IdPlaces {
  ApplianceHandle& appliance;
  ApplianceRoot& root;
  const std::vector<GuestMount>& mounts;
  const model::Layout& layout;
};

// Unmounts all, changes what it can, mounts all again. What cannot be changed leaves `changes` and
// becomes a finding. Arrays are left for set_array_ids().
model::Findings set_new_ids(const IdPlaces& places, model::IdChanges& changes);

// The last thing that is done: while an array runs, the kernel writes its superblocks as it knows
// them, and libguestfs starts arrays only when the appliance starts. `filesystems`: with old ids.
// Afterwards nothing is mounted.
void set_array_ids(ApplianceHandle& appliance, ApplianceRoot& root,
                   const std::vector<model::Filesystem>& filesystems,
                   const model::IdChanges& changes);

}  // namespace vmconvert::guest
