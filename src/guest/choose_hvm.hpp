// What a Xen HVM machine shows a guest that was PV or PVH: Xen's own disks and cards, and a PC's
// BIOS, which reads the first disks as IDE disks.
#pragma once

#include "guest/choose_hardware.hpp"

namespace vmconvert::guest {

// Disks at hda to hdd, then xvde and so on; the guest's kernel calls them xvda, xvdb... all the
// same. Error(refused) where the first disk is read-only, which an IDE disk cannot be.
model::Hardware hvm_hardware(const model::Layout& layout);

}  // namespace vmconvert::guest
