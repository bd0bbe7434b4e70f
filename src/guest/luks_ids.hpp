// The UUID of a LUKS volume, in its header; what is encrypted needs no key for it.
// Layouts: LUKS On-Disk Format Specification 1.2.3, LUKS2 On-Disk Format Specification 1.1.
#pragma once

#include <optional>
#include <string>

#include "guest/guest_root.hpp"

namespace vmconvert::guest {

// As the header writes it. Nothing where it cannot be changed: damaged, or with a checksum of
// another kind than SHA-256, which cryptsetup has always used.
std::optional<std::string> read_luks_id(GuestRoot& guest, const std::string& device);

// Writes `to` there, of the length of `from`; into both headers of LUKS2.
// False: read_luks_id() does not see `from`.
bool set_luks_id(GuestRoot& guest, const std::string& device, const std::string& from,
                 const std::string& to);

}  // namespace vmconvert::guest
