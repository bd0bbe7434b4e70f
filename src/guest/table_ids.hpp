// Identifiers in partition tables: MBR signature, GUIDs of a GPT. Read and written on the target's
// disks, which are overlays.
#pragma once

#include <string>

#include "guest/guest_root.hpp"
#include "model/id_change.hpp"
#include "model/layout.hpp"

namespace vmconvert::guest {

// "1f2e3d4c", or a GUID in lower case; empty when the table has none, or is damaged.
std::string table_id(GuestRoot& guest, const model::TargetDisk& disk);

// Writes what the changes of kind disk and partition say of this disk; both copies of a GPT, if it
// has two. Error(bad_input) for a table that was changed since.
void set_table_ids(GuestRoot& guest, const model::TargetDisk& disk,
                   const model::IdChanges& changes);

}  // namespace vmconvert::guest
