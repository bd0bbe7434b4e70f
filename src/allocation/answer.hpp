// What the reader's process says, in lines. disk/allocation_map.cpp is the other end, and trusts
// none of it. All numbers are decimal bytes of the disk; texts are printable ASCII without tabs.
//
//   vmconvert-allocation 1
//   region OFFSET LENGTH                  as asked for, in that order; then its contents:
//   content OFFSET LENGTH\tNAME\tWHY      WHY is empty if the map was used; then, ascending:
//   free OFFSET LENGTH
//   end
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "allocation/content.hpp"

namespace vmconvert::allocation {

// "OFFSET:LENGTH"; nothing for anything else.
std::optional<model::ByteRange> parse_region(std::string_view word);

// For all regions, in order; with more than `most_runs` free stretches the shortest ones are left
// out.
std::string make_answer(const std::vector<model::ByteRange>& regions,
                        std::vector<std::vector<Content>> contents,
                        std::size_t most_runs = k_most_runs);

// The answer to the other question, in lines, too: "vmconvert-owners 1", for each place "owner
// TEXT", "end". In TEXT all but plain ASCII is %XX: names of files are whatever the guest likes.
std::string make_owners_answer(const std::vector<std::string>& owners);

}  // namespace vmconvert::allocation
