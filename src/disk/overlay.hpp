// The qcow2 overlay that takes every change, and what it says about where bytes are to be read.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/subprocess.hpp"
#include "disk/source.hpp"
#include "model/extent.hpp"

namespace vmconvert::disk {

// In what pieces the overlay takes and drops data. Small ones are dropped even where only one block
// of a filesystem was freed; they cost memory and time.
enum class OverlayPieces { usual, small };

// Error(bad_input) if `path` exists already.
void create_overlay(const std::filesystem::path& path, const Backing& backing, ByteCount size,
                    CommandRunner& commands, OverlayPieces pieces = OverlayPieces::usual);

// The same content under another name: the overlay is told where it is now.
void move_overlay(const std::filesystem::path& path, const Backing& backing,
                  CommandRunner& commands);

// Extents that cover exactly [0, size), no two neighbours of one kind: written in the overlay ->
// patched; zero, wherever that is known -> skipped; data below the overlay -> needed. The backing
// must be reachable.
std::vector<model::Extent> map_overlay(const std::filesystem::path& path, ByteCount size,
                                       CommandRunner& commands);

// Of what `qemu-img map --output=json` prints. Error(tool_failed) if it has holes or overlaps.
std::vector<model::Extent> parse_map(const std::string& json, ByteCount size);

}  // namespace vmconvert::disk
