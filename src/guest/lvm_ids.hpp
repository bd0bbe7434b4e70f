// Identifiers of LVM: of a physical volume in its label, of all volumes and the group in the text
// that each of them carries. Read and written on the target's disks, while the group is inactive.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "guest/guest_root.hpp"
#include "model/id_change.hpp"

namespace vmconvert::guest {

struct LvmIds {
  std::string volume;  // with dashes, as blkid(8) writes it
  std::string group;   // empty: its text is on another volume, or it belongs to no group
  std::string name;    // of the group
};

// Of the physical volume on `device` (vda2). Nothing where its label or text is damaged.
std::optional<LvmIds> read_lvm_ids(GuestRoot& guest, const std::string& device);

// 32 letters or digits in groups of 6-4-4-4-4-4-6.
std::string lvm_id_of(const std::string& letters);

// "data/root": the logical volume of this id, in the group of that id, by the text on the physical
// volume `device`. Empty: it says of no such volume.
std::string volume_of_ids(GuestRoot& guest, const std::string& device, std::string_view group,
                          std::string_view volume);

// Writes the changes of kind physical_volume and volume_group into this physical volume: its label,
// and every id in its texts. Error(bad_input) if it cannot be read.
void set_lvm_ids(GuestRoot& guest, const std::string& device, const model::IdChanges& changes);

}  // namespace vmconvert::guest
