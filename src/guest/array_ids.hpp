// The UUID of an MD array, in the superblock that each of its members has.
// Layouts: include/uapi/linux/raid/md_p.h of the kernel, drivers/md/md-bitmap.h.
#pragma once

#include <optional>
#include <string>

#include "base/units.hpp"
#include "guest/guest_root.hpp"

namespace vmconvert::guest {

// The UUID of the array in the superblock of its member on `device`, which has `size` bytes, with
// dashes. Nothing where it has none that can be changed: damaged, in the middle of a reshaping, or
// with a journal, whose blocks are sealed with the UUID.
std::optional<std::string> read_array_id(GuestRoot& guest, const std::string& device,
                                         ByteCount size);

// Writes `to` there, and into the bitmap if there is one. The array must be stopped.
// False: read_array_id() does not see `from`.
bool set_array_id(GuestRoot& guest, const std::string& device, ByteCount size,
                  const std::string& from, const std::string& to);

// The number of its array, md0, that a superblock of version 0.90 holds.
std::optional<unsigned> read_array_number(GuestRoot& guest, const std::string& device,
                                          ByteCount size);

}  // namespace vmconvert::guest
