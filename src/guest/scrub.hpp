// Makes what was deleted unreadable: free blocks of filesystems and the content of swap become
// zeros on the overlay. After the trim, which takes most of them away already.
#pragma once

#include "guest/appliance_root.hpp"
#include "model/edit.hpp"
#include "model/finding.hpp"
#include "model/guest_facts.hpp"
#include "model/layout.hpp"

namespace vmconvert::guest {

struct Scrubbed {
  model::Edits edits;        // what was done, one a filesystem
  model::Findings findings;  // "scrub-left": what was not, and why
};

// Unmounts all, and leaves it so.
Scrubbed scrub_disks(ApplianceHandle& appliance, ApplianceRoot& root,
                     const model::GuestFacts& facts, const model::Layout& layout);

// What no filesystem's free space tells: swap files, bytes between partitions, partitions that do
// not lie on whole blocks of 4 KiB. `fstab` is the guest's.
model::Findings scrub_gaps(const std::string& fstab, const model::GuestFacts& facts,
                           const model::Layout& layout);

}  // namespace vmconvert::guest
