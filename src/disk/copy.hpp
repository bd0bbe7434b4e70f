// The copy engine: reads what the extents name, from the source or from the overlay, hashes it,
// and writes what is not zero. It goes on where an interrupted copy left off.
#pragma once

#include <string>
#include <vector>

#include "disk/block_reader.hpp"
#include "disk/checkpoints.hpp"
#include "disk/manifest.hpp"
#include "disk/target.hpp"
#include "disk/throttle.hpp"
#include "disk/units.hpp"
#include "model/extent.hpp"
#include "model/progress.hpp"

namespace vmconvert::disk {

// Needed ranges that are nearer than this are read in one request. What lies between them is zeroed
// before anything else sees it: deleted data of the guest does not travel.
inline constexpr std::uint64_t k_merge_gap = 64 * k_kib;

struct CopyRequest {
  std::string disk;  // vda: for progress and messages
  ByteCount size;
  const std::vector<model::Extent>& extents;  // cover [0, size), ascending
  BlockReader& source;
  BlockReader* overlay;  // may be null when no extent is patched
  TargetWriter& target;
  Manifest& manifest;            // of this size; durable nodes are not copied again
  Throttle* throttle = nullptr;  // null: no limit
  CheckpointPolicy checkpoints = {};
  const UnitShare* share = nullptr;  // of a budget; null: one of its own
};

struct CopyResult {
  // Of the whole copy, whichever process did it:
  ByteCount read;     // from the source and the overlay, without what gaps cost
  ByteCount written;  // leaves with content, whole, and zeros that were written along with them
  ByteCount skipped;  // not read
  ByteCount resumed;  // of the bytes to read: were on the target already
};

// What a manifest remembers of the plan: equal for equal extents of an equal disk.
LeafHash fingerprint(ByteCount size, const std::vector<model::Extent>& extents);

// Returns when everything is on the target's device and the manifest is complete. Skipped extents
// are never read by themselves. An interruption costs at most what the policy says, and what was in
// flight; one by a signal nothing: it ends with a checkpoint. Progress has the stage "copy" and
// counts bytes read.
CopyResult copy_disk(const CopyRequest& request, const model::ProgressSink& progress);

// All of them beside each other, within one budget. The first that fails stops the others, and its
// error is thrown when all have ended. Progress is of all together; `what` names them.
std::vector<CopyResult> copy_disks(const std::vector<CopyRequest>& requests,
                                   const model::ProgressSink& progress);

}  // namespace vmconvert::disk
