// An LVM2 physical volume's label, header and metadata areas, as lib/format_text/layout.h of LVM2
// has them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "allocation/volume.hpp"

namespace vmconvert::allocation {

struct LvmLabel {
  std::string id;                          // 32 characters, without dashes
  std::uint64_t size = 0;                  // of the device, bytes
  std::vector<model::ByteRange> reserved;  // metadata areas and boot loader areas
  std::string text;                        // the metadata that counts
};

// Error(unsupported) if the volume belongs to no group, is in the middle of a change, keeps no
// metadata of its own, or if anything is damaged.
LvmLabel read_lvm_label(const Volume& volume);

}  // namespace vmconvert::allocation
