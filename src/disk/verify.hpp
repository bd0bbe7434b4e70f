// Reading a target back from its device, to know that it holds what was read from the source.
#pragma once

#include <filesystem>
#include <string>

#include "disk/checksum.hpp"
#include "model/domain.hpp"
#include "model/progress.hpp"

namespace vmconvert::disk {

struct VerifyRequest {
  std::string disk;  // vda: for progress and messages
  std::filesystem::path path;
  model::DiskFormat format = model::DiskFormat::raw;
  ByteCount size;
  std::string checksum;                  // DiskChecksum::text() of what it should hold
  const DiskChecksum* chunks = nullptr;  // where it is known: a difference then has a place
  std::filesystem::path sockets;         // a private folder, for qcow2
};

struct VerifyResult {
  ByteCount read;  // holes are zeros without being read
  std::string checksum;
};

// Error(mismatch) naming the byte offset of the first chunk that differs, or the wrong size.
// Progress has the stage "verify".
VerifyResult verify_disk(const VerifyRequest& request, const model::ProgressSink& progress);

}  // namespace vmconvert::disk
