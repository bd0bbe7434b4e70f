// Reading a file that somebody else controls: a pipe or a device in its place is never opened.
#pragma once

#include <cstdint>
#include <string>

#include "base/fd.hpp"

namespace vmconvert::guest {

// Content of the file that an O_PATH descriptor stands for. bad_input if it is no regular file or
// has more than `limit` bytes; `name` is for messages.
std::string read_regular_file(const Fd& place, std::uint64_t limit, const std::string& name);

}  // namespace vmconvert::guest
