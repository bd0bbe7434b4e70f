// Storage that is put together from disks by name: LVM and RAID.
#pragma once

#include <vmconvert/fixer_devices.hpp>

namespace vmconvert::fixer::fstab {

void fix_lvm(Host& guest, const Devices& devices);    // filters, the devices file
void fix_mdadm(Host& guest, const Devices& devices);  // DEVICE, devices=

}  // namespace vmconvert::fixer::fstab
