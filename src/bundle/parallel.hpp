// The same work on many things, on all processors.
#pragma once

#include <cstddef>
#include <functional>

namespace vmconvert::bundle {

// Calls body(i) for each i of [0, count) from several threads. The first exception stops the others
// and is thrown here; so does an interrupt by a signal.
void for_each_index(std::size_t count, const std::function<void(std::size_t)>& body);

}  // namespace vmconvert::bundle
