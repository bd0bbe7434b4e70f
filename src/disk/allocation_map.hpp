// Which bytes of a source disk are free by the account of what is on it. The maps are read by a
// program without rights (src/allocation), and what it says is checked here as if a stranger said
// it.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/subprocess.hpp"
#include "model/extent.hpp"

namespace vmconvert::disk {

struct AllocationMap {
  // By region, in the order asked for; those that were not looked at come last.
  std::vector<model::AllocationNote> notes;
  std::vector<model::ByteRange> free;  // ascending, disjoint
};

// `source` is raw content: a file or a block device. `regions` are its partitions, or all of it
// where it has no table; what is in none of them is used. `what` names the disk in the log. Never
// an error: where the map cannot be had, the region counts as used and its note says why. Only
// Error(interrupted) passes. Nothing may write to the disk meanwhile, nor between this and the
// copy.
AllocationMap read_allocation(const std::filesystem::path& source, const std::string& what,
                              const std::vector<model::ByteRange>& regions,
                              const std::filesystem::path& reader, CommandRunner& commands);

// Of what the program printed for these regions, which must be disjoint. Error(tool_failed) if it
// is not in its form; a region with free space that cannot be true counts as used.
AllocationMap parse_allocation(std::string_view answer,
                               const std::vector<model::ByteRange>& regions);

}  // namespace vmconvert::disk
