// The machine behind a libvirt connection: how much memory and how many processors it has.
#pragma once

#include <optional>
#include <string_view>

#include "host/libvirt.hpp"
#include "model/check_facts.hpp"

namespace vmconvert::host {

// Whether the connection's host is this machine. The test driver's is none.
bool is_local(const Connection& connection);

// Zeros for what cannot be asked.
model::NodeFacts node_facts(const Connection& connection);

struct MemoryInfo {
  ByteCount total;
  ByteCount available;  // without swapping; the kernel's own estimate
};
// Pure: of /proc/meminfo's text. Nothing where one of the two is missing.
std::optional<MemoryInfo> parse_meminfo(std::string_view text);

}  // namespace vmconvert::host
