// Before an interrupted copy goes on: what it relies on is looked at again.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "disk/block_reader.hpp"
#include "disk/checkpoints.hpp"
#include "disk/manifest.hpp"
#include "model/domain.hpp"
#include "model/extent.hpp"

namespace vmconvert::disk {

// Whether the copy came to its end, and only the word of it is missing: all was durable, and the
// qcow2 image has its header, which is written last. The manifest is completed then.
bool was_finished(Manifest& manifest, const std::filesystem::path& path, model::DiskFormat format);

// Reads the last checkpoint's interval of the target back; the manifest trusts nothing from the
// first difference on. An unfinished qcow2 image cannot be read: there the interval is copied anew.
void recheck_target(Manifest& manifest, const std::filesystem::path& path, model::DiskFormat format,
                    const CheckpointPolicy& policy = {});

// Reads samples of what was copied from the source again: the first node of each partition, where
// filesystems keep what changes with every mount, and others spread over the disk. Error(refused)
// if one differs: the source was used since.
void recheck_source(const Manifest& manifest, const std::string& disk,
                    const std::vector<model::Extent>& extents, BlockReader& source,
                    BlockReader* overlay, const std::vector<ByteCount>& partition_starts);

}  // namespace vmconvert::disk
