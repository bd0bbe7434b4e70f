// ext2, ext3 and ext4, by libext2fs.
#pragma once

#include <string>
#include <vector>

#include "allocation/volume.hpp"

namespace vmconvert::allocation {

// "ext2", "ext3" or "ext4", by the features that the superblock names.
std::string ext_name(const Volume& volume);

// Error for a superblock that libext2fs would believe too much of. Before each use of the library.
void check_ext_geometry(const Volume& volume);

// What the block bitmaps call free. Error if they may not be the last word (a journal to replay,
// not unmounted cleanly, errors) or cannot be trusted (unknown features, wrong checksums or
// counts).
std::vector<model::ByteRange> read_ext_free(const Volume& volume);

}  // namespace vmconvert::allocation
