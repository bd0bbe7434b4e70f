// The partition tables that we make for composed disks.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "model/domain.hpp"
#include "model/layout.hpp"

namespace vmconvert::disk {

// The first MiB of a composed disk: MBR, or protective MBR and primary GPT; boot code and gap are
// zeros. Disk and partition identifiers follow from the seed alone, so that plan, trial and copy
// see the same disk. Error(internal) if a partition does not fit the table: layouts are ours.
std::vector<std::byte> make_table(const model::TargetDisk& disk, std::string_view seed);

// The last 33 sectors of a disk with a GPT: entries, then header.
std::vector<std::byte> make_backup_gpt(const model::TargetDisk& disk, std::string_view seed);

// What makes this disk of this guest itself, and no other.
std::string table_seed(const model::Domain& domain, const model::TargetDisk& disk);

}  // namespace vmconvert::disk
