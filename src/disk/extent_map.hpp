// Arithmetic on lists of ranges: what is free on the sources, taken off what a target disk needs.
#pragma once

#include <cstddef>
#include <vector>

#include "model/extent.hpp"
#include "model/layout.hpp"

namespace vmconvert::disk {

// `extents` in ascending order without holes. Where `free` (any order) lies over a needed one, that
// becomes skipped; patched ones stay. Neighbours of one kind are joined; the result covers the same
// range. n log n.
std::vector<model::Extent> without_free(const std::vector<model::Extent>& extents,
                                        const std::vector<model::ByteRange>& free);

// Where `ranges` (any order) of the source disk number `source_index` come to lie on `disk`:
// ascending.
std::vector<model::ByteRange> on_target(const model::TargetDisk& disk, std::size_t source_index,
                                        const std::vector<model::ByteRange>& ranges);

}  // namespace vmconvert::disk
