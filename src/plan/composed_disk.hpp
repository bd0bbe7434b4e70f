// Volumes that the guest knew as partitions, put one after the other behind a table of ours.
#pragma once

#include <vector>

#include "model/disk_facts.hpp"
#include "model/layout.hpp"

namespace vmconvert::plan {

// One source of a group: Domain::disks[source], known to the guest as partition `number`.
struct Member {
  std::size_t source = 0;
  unsigned number = 0;  // 0: the whole disk
  const model::DiskFacts* facts = nullptr;
};

// Members in ascending order of their numbers. Everything but name and readonly is set.
model::TargetDisk compose_disk(const std::vector<Member>& members);

// The partition number that each member got, in the members' order.
std::vector<unsigned> member_numbers(const model::TargetDisk& disk);

}  // namespace vmconvert::plan
