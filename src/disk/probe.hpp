// What a source disk looks like from outside. Opens it read-only; runs qemu programs for qcow2.
#pragma once

#include <filesystem>
#include <memory>

#include "base/subprocess.hpp"
#include "disk/bad_sectors.hpp"
#include "disk/block_reader.hpp"
#include "model/disk_facts.hpp"
#include "model/domain.hpp"

namespace vmconvert::disk {

// Throws not_found for a missing source, bad_input for one that is no disk or an unusable qcow2.
model::DiskFacts probe(const model::DomainDisk& disk, CommandRunner& commands,
                       OnBadSector on_bad_sector = OnBadSector::stop);

// The same for content that is open already: table, signature, loader. `block_device` stays false.
model::DiskFacts probe_content(BlockReader& content);

// For reading, whatever it is. `sockets` is a private folder for what serves a qcow2 image.
std::unique_ptr<BlockReader> open_disk(const model::DomainDisk& disk,
                                       const std::filesystem::path& sockets);

// Virtual size of a qcow2 image. Refuses one that is damaged or encrypted, or whose backing chain
// is incomplete or does not name its formats. The format is what the description says: a raw disk
// that happens to start with a qcow2 header is not handed to this function.
ByteCount check_qcow2(const std::filesystem::path& path, const std::string& what,
                      CommandRunner& commands);
// Of the JSON that `qemu-img info --backing-chain` prints.
ByteCount parse_qcow2_info(const std::string& json, const std::string& what);

// "disk xvda (/dev/vg/web01)"
std::string disk_label(const model::DomainDisk& disk);

}  // namespace vmconvert::disk
