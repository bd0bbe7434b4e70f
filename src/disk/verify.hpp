// Reading a target back from its device, to know that it holds what was read from the source.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "disk/block_reader.hpp"
#include "disk/manifest.hpp"
#include "model/domain.hpp"
#include "model/extent.hpp"
#include "model/progress.hpp"

namespace vmconvert::disk {

// How much of what should be zeros is read on a block device, where a hole cannot be asked for.
enum class ZeroCheck {
  ends,  // the first and the last 4 KiB of each run: as after a copy, which has zeroed it just now
  full,  // every byte
};

struct VerifyRequest {
  std::string disk;  // vda: for progress and messages
  std::filesystem::path path;
  model::DiskFormat format = model::DiskFormat::raw;
  const Manifest& manifest;
  std::filesystem::path sockets;  // a private folder, for qcow2
  ZeroCheck zeros = ZeroCheck::ends;
  // What lies there, for people: "partition 1, /etc/fstab". May be empty, and may return nothing.
  std::function<std::string(const model::ByteRange&)> place = {};
};

struct VerifyResult {
  ByteCount read;  // holes are zeros without being read
};

// Error(mismatch) naming the first byte of the first 64 KiB that differ, or the wrong size. The
// target may be larger than the disk, as a volume of whole extents is. Progress has the stage
// "verify".
VerifyResult verify_disk(const VerifyRequest& request, const model::ProgressSink& progress);

// The same for the nodes [from, to): the number of nodes from `from` on that hold what the manifest
// says. For an interrupted copy, whose last interval is not trusted unseen.
std::uint64_t count_good_nodes(BlockReader& target, const Manifest& manifest, std::uint64_t from,
                               std::uint64_t to);

}  // namespace vmconvert::disk
