// Which file a byte of an ext2, ext3 or ext4 belongs to: what debugfs calls icheck and ncheck.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "allocation/volume.hpp"

namespace vmconvert::allocation {

// One text an offset of the volume, in their order: "/etc/fstab", "inode 812", "a structure of the
// filesystem"; empty where nothing holds it. Walks all inodes and folders. Refuses (see volume.hpp)
// what is not such a filesystem; that it is not clean does no harm here.
std::vector<std::string> ext_owners(const Volume& volume,
                                    const std::vector<std::uint64_t>& offsets);

}  // namespace vmconvert::allocation
