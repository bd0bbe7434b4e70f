// What the volume group of a physical volume says about that physical volume.
#pragma once

#include <string>
#include <vector>

#include "allocation/lvm_label.hpp"
#include "allocation/volume.hpp"

namespace vmconvert::allocation {

struct LogicalVolume {
  std::string name;                      // "vg/root"
  std::vector<model::ByteRange> pieces;  // in the physical volume, in the logical volume's order
  std::string why;                       // its content cannot be looked at; empty: it can
};

struct PhysicalVolume {
  std::string group;                     // "vg"
  std::vector<LogicalVolume> volumes;    // with at least one extent here
  std::vector<model::ByteRange> unused;  // in the physical volume: extents of no logical volume
};

// Error if the group is exported, shared, incomplete or cannot be understood.
PhysicalVolume read_physical_volume(const LvmLabel& label, std::uint64_t size);

}  // namespace vmconvert::allocation
