// Which guest files some bytes of a disk belong to. Asked of the program without rights that reads
// allocation maps, too (src/allocation), so that no filesystem of a guest is parsed in our process.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/subprocess.hpp"
#include "model/extent.hpp"

namespace vmconvert::disk {

// One text a place: a path in the guest, in whatever bytes the guest has, or words for what is no
// file; empty where nothing holds the place. `disk` is raw content, `region` the filesystem's,
// `places` are bytes of the disk in it. Empty where it cannot be found out: not ext2, ext3 or ext4,
// damaged, or too large to walk in a minute. Only Error(interrupted) passes.
std::vector<std::string> find_owners(const std::filesystem::path& disk,
                                     const model::ByteRange& region,
                                     const std::vector<ByteCount>& places,
                                     const std::filesystem::path& reader, CommandRunner& commands);

// Of what the program printed for so many places. Error(tool_failed) if it is not in its form.
std::vector<std::string> parse_owners(std::string_view answer, std::size_t places);

}  // namespace vmconvert::disk
