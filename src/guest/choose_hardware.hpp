// What the new machine should be made of, so that the guest's own kernel can drive it.
#pragma once

#include "guest/guest_root.hpp"
#include "model/domain.hpp"
#include "model/finding.hpp"
#include "model/guest_facts.hpp"
#include "model/hardware.hpp"
#include "model/layout.hpp"
#include "model/plan.hpp"

namespace vmconvert::guest {

struct ChosenHardware {
  model::Hardware hardware;
  // emulated-devices (informs), ide-places (blocks), no-network-driver (warns).
  model::Findings findings;
};

// virtio where any kernel that can boot has its drivers, or nothing is known of them. Else the
// devices of a PC that Xen's hvmloader emulated, too: an IDE disk (PIIX), an e1000 or rtl8139 card.
// For a Xen guest always Xen's.
ChosenHardware choose_hardware(GuestRoot& guest, const model::GuestFacts& facts,
                               const model::Domain& domain, const model::Layout& layout,
                               model::TargetHypervisor to);

}  // namespace vmconvert::guest
