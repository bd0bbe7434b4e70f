// Which target disks a guest gets, and which bytes of which source each of them is made of.
#pragma once

#include <vector>

#include "model/disk_facts.hpp"
#include "model/domain.hpp"
#include "model/layout.hpp"

namespace vmconvert::plan {

// `facts` is parallel to `domain.disks`; the entries of cdroms and floppies are not looked at.
// A whole disk stays as it is, byte for byte; volumes that the guest knew as partitions become one
// disk with a partition table of ours. A table segment at the start of a disk is the table and the
// gap before the first partition; one at its end is the backup GPT.
// Throws bad_input where the description cannot be meant so, unsupported for names that are no
// disk.
model::Layout make_layout(const model::Domain& domain, const std::vector<model::DiskFacts>& facts);

}  // namespace vmconvert::plan
