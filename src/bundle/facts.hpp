// What a bundle says of its guest besides the domain XML: for people and programs that have to know
// its size before anything is sent, and for the import, which finds the disks by it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/units.hpp"
#include "model/disk_facts.hpp"
#include "model/domain.hpp"
#include "model/extent.hpp"

namespace vmconvert::bundle {

struct DiskEntry {
  std::string target;  // as in the domain XML: xvda
  ByteCount size;
  ByteCount data;  // of it, what the bundle holds; the rest is free or zero
};

struct Facts {
  std::string guest;
  std::vector<DiskEntry> disks;  // disk N is disks/N.leaves
  // Of a guest whose kernel was kept on the host; empty else. Names of the bundle's files.
  std::string kernel;
  std::string initrd;
};

// What else is known at the source, for people.
struct DiskNotes {
  model::DiskFacts facts;
  std::vector<model::AllocationNote> allocation;
};
// `notes` are parallel to facts.disks.
std::string to_json(const Facts& facts, const model::Domain& domain,
                    const std::vector<DiskNotes>& notes);
// Error(bad_input) for anything that is not in its form.
Facts parse_facts(std::string_view json);

}  // namespace vmconvert::bundle
