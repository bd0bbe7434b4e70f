// Linux swap space: nothing in it outlives the system that wrote it, but for its header.
#pragma once

#include <vector>

#include "allocation/volume.hpp"

namespace vmconvert::allocation {

// What follows the header page, to the end that the header gives. Error if it cannot be trusted: a
// hibernated system, bad pages, another page size or byte order.
std::vector<model::ByteRange> read_swap_free(const Volume& volume);

}  // namespace vmconvert::allocation
