// The work on a disk, cut into units and shared out to a few threads. Memory is bounded: one buffer
// a thread, whatever the disk's size.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "base/units.hpp"

namespace vmconvert::disk {

inline constexpr std::uint64_t k_unit_size = 4 * k_mib;
inline constexpr unsigned k_unit_threads = 8;
// A unit begins only when it is fewer than so many away from the oldest one that is not finished:
// what lies behind one that takes long is of no use to a copy that is interrupted.
inline constexpr std::uint64_t k_units_ahead = 16;

// `buffer` is the calling thread's own, k_unit_size bytes, aligned for direct I/O; what it holds is
// left over from earlier units.
using UnitBody = std::function<void(std::uint64_t unit, std::span<std::byte> buffer)>;

// Calls body for each unit of [0, count), begun in ascending order, from several threads. The first
// exception stops all of them and is thrown here; so does an interrupt by a signal.
void for_each_unit(std::uint64_t count, const UnitBody& body);

// All zeros; true for an empty span.
bool is_zero(std::span<const std::byte> bytes);

}  // namespace vmconvert::disk
