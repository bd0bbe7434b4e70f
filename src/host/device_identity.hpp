// What the host knows about a source device: enough to tell whether it is the one that was meant.
#pragma once

#include <filesystem>

#include "base/subprocess.hpp"
#include "model/check_facts.hpp"

namespace vmconvert::host {

// Of a file: nothing set. Reads /sys and /dev/disk/by-id; `lvm` is asked about a snapshot only.
model::DeviceIdentity identify_device(const std::filesystem::path& path, CommandRunner& commands);

}  // namespace vmconvert::host
