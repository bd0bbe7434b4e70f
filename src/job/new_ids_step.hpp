// New UUIDs for the guest's filesystems and tables, where the operator asks for them (--new-uuids).
#pragma once

#include <string>

#include "guest/appliance.hpp"
#include "job/request.hpp"
#include "model/domain.hpp"
#include "model/edit.hpp"
#include "model/id_change.hpp"

namespace vmconvert::job {

struct NewIdsGiven {
  model::IdChanges changes;
  model::Edits edits;
  model::Findings findings;
};

// Chooses and sets them, before any fixer runs; `facts` has the new ones then. `name` is the new
// domain's: another copy gets others.
NewIdsGiven give_new_ids(guest::Appliance& appliance, model::GuestFacts& facts,
                         const model::Layout& layout, const model::Domain& source,
                         const std::string& name, model::TargetHypervisor to);

// What still names an old one although all was edited. After the programs of the guest have run.
model::Findings look_for_old_ids(guest::Appliance& appliance, const model::Domain& source,
                                 model::TargetHypervisor to, const model::IdChanges& changes);

}  // namespace vmconvert::job
