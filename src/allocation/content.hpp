// What a region of a disk holds, and what of it is free by its own account.
#pragma once

#include <string>
#include <vector>

#include "allocation/volume.hpp"

namespace vmconvert::allocation {

struct Content {
  model::ByteRange where;  // on the disk; of a volume in pieces, its first one's start and the sum
  std::string name;        // "ext4", "LVM: vg/root xfs"; empty: not known
  std::string why;         // the map was not used; empty: it was
  std::vector<model::ByteRange> free;  // on the disk, ascending
};

// One entry; for an LVM2 physical volume one for itself (its unused extents) and one for each of
// its logical volumes. Never throws for what the disk holds: what cannot be read is used whole.
std::vector<Content> read_region(const ByteSource& disk, const model::ByteRange& region);

}  // namespace vmconvert::allocation
