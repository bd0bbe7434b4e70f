// A finished job's guest, patched anew: other wishes for its inside, or fixers of a newer version.
// The source is patched on a new overlay; of the disks only what differs is written.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "job/conversion.hpp"
#include "job/journal.hpp"
#include "job/request.hpp"
#include "model/wishes.hpp"

namespace vmconvert::job {

struct PatchedDisk {
  std::string disk;
  std::filesystem::path path;
  ByteCount compared;  // read of source and overlay
  ByteCount written;
  std::string checksum;
};

// What of the new patch run is to be written is in JOB/kept/redo, whole, before the job is marked
// as interrupted and the first byte is written: whoever dies on the way goes on with
// `vmconvert resume`. Of a job that is done, that folder is left over and means nothing.
bool has_pending_patch(const std::filesystem::path& state_dir, const std::string& job);
// Error(mismatch) for what reads otherwise than it was written.
std::vector<PatchedDisk> write_pending_patch(const std::filesystem::path& state_dir,
                                             const std::string& job, const Tools& tools);

}  // namespace vmconvert::job
