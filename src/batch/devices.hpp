// Which physical disks a guest is read from, and how much there is of it: two guests on one disk
// make each other slow. Asks the kernel's own tables; content is not read.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/units.hpp"
#include "model/domain.hpp"

namespace vmconvert::batch {

// "8:0" each, sorted: through partitions, volumes (those of a group have all of its disks that they
// lie on) and loop devices, down to what has nothing below it. Empty for a path that is not there.
std::vector<std::string> physical_devices(const std::filesystem::path& path,
                                          const std::filesystem::path& sysfs = "/sys");

struct SourceExtent {
  std::vector<std::string> devices;
  ByteCount size;  // of all disks; what could not be asked counts as nothing
};
SourceExtent look_at_disks(const model::Domain& domain);

}  // namespace vmconvert::batch
