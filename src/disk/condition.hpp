// What the superblocks at the start of a disk and of its partitions say. Our own small readers of
// guests' bytes: bounded, no trust in a number, nothing is replayed or written.
#pragma once

#include "base/subprocess.hpp"
#include "disk/block_reader.hpp"
#include "model/check_facts.hpp"
#include "model/disk_facts.hpp"
#include "model/domain.hpp"

namespace vmconvert::disk {

// Opens the disk as probe() does.
model::DiskCondition read_condition(const model::DomainDisk& disk, const model::DiskFacts& facts);
// The same of content that is open already.
model::DiskCondition read_condition(BlockReader& content, const model::DiskFacts& facts);

// The `length` bytes at `offset`. Only the members that the superblock tells are set.
model::Region read_region(BlockReader& content, ByteCount offset, ByteCount length);

}  // namespace vmconvert::disk
