// The copy engine: reads what the extents name, from the source or from the overlay, and writes
// what is not zero.
#pragma once

#include <string>
#include <vector>

#include "disk/block_reader.hpp"
#include "disk/checksum.hpp"
#include "disk/target.hpp"
#include "model/extent.hpp"
#include "model/progress.hpp"

namespace vmconvert::disk {

struct CopyRequest {
  std::string disk;  // vda: for progress and messages
  ByteCount size;
  const std::vector<model::Extent>& extents;  // cover [0, size), ascending
  BlockReader& source;
  BlockReader* overlay;  // may be null when no extent is patched
  TargetWriter& target;
};

struct CopyResult {
  ByteCount read;
  ByteCount written;
  ByteCount skipped;      // not read
  DiskChecksum checksum;  // of the whole content, zeros included
};

// Returns when everything is on the target's device. Skipped extents are never read. Progress has
// the stage "copy" and counts bytes read.
CopyResult copy_disk(const CopyRequest& request, const model::ProgressSink& progress);

}  // namespace vmconvert::disk
