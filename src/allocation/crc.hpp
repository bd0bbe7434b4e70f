// The two checksums that the structures we read carry.
#pragma once

#include <cstdint>

#include "allocation/bytes.hpp"

namespace vmconvert::allocation {

// CRC-32C as XFS v5 keeps it: of `bytes` with the four at `hole` (the checksum itself) taken as
// zero.
std::uint32_t crc32c_without(Bytes bytes, std::size_t hole);

// LVM2's: CRC-32 that starts at 0xf597a6cf and is not inverted at the end (lib/misc/crc.c there).
// Texts that wrap around their area are fed in parts.
inline constexpr std::uint32_t k_lvm_crc_start = 0xf597a6cf;
std::uint32_t lvm_crc(Bytes bytes, std::uint32_t start = k_lvm_crc_start);

}  // namespace vmconvert::allocation
