// What a finished target lacks of a new patch run: the leaves that differ, with their content, in
// one file. It is whole before the first of them is written, so that whoever dies on the way can
// write all of them again.
//
// Format, version 1, numbers little-endian:
//   "VMCREDO1", size of the disk (8), kind of hash (8)
//   each leaf, in any order: offset (8), length (8; 0: zeros), hash (32), content
//   XXH3-128 of all before (16)
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "disk/block_reader.hpp"
#include "disk/manifest.hpp"
#include "model/domain.hpp"
#include "model/extent.hpp"
#include "model/progress.hpp"

namespace vmconvert::disk {

struct RedoSource {
  std::string disk;                          // vda: for progress and messages
  const std::vector<model::Extent>& before;  // what was copied; both cover the disk, ascending
  const std::vector<model::Extent>& now;
  BlockReader& source;   // the same content as then
  BlockReader* overlay;  // the new one; null where nothing is patched
};

struct RedoAmount {
  ByteCount read;            // of the source and the overlay
  ByteCount to_write;        // zeros included
  std::uint64_t leaves = 0;  // that differ
};

// The nodes that may hold something else: where the kind of an extent changed, or is patched.
std::vector<std::uint64_t> nodes_in_question(const std::vector<model::Extent>& before,
                                             const std::vector<model::Extent>& now);

// Compares what they hold now with the manifest. The file is there, and on the device, or not at
// all. Progress has the stage "compare".
RedoAmount write_redo_log(const std::filesystem::path& path, const Manifest& manifest,
                          const RedoSource& source, const model::ProgressSink& progress);

struct RedoTarget {
  std::string disk;
  std::filesystem::path path;
  model::DiskFormat format = model::DiskFormat::raw;
  std::filesystem::path sockets;  // a private folder, for qcow2
};

// Writes the leaves, reads each of them back, and puts them into the manifest. May be done again.
// Error(bad_input) for a log that is damaged or another disk's, Error(mismatch) for a leaf that
// reads otherwise. Progress has the stage "rewrite".
ByteCount apply_redo_log(const std::filesystem::path& path, const RedoTarget& target,
                         Manifest& manifest, const model::ProgressSink& progress);

}  // namespace vmconvert::disk
