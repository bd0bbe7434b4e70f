// What starts at a disk's first byte: a filesystem or the like, and the loader in the boot sector.
#pragma once

#include <string>

#include "disk/block_reader.hpp"

namespace vmconvert::disk {

// ext, xfs, btrfs, swap, LVM2_member, crypto_LUKS, linux_raid_member, other (known to be something,
// not to us); empty if nothing is recognised. For content without a partition table.
std::string read_signature(BlockReader& disk);

// none, grub2, grub-legacy, other
std::string read_loader(BlockReader& disk);

}  // namespace vmconvert::disk
