// libvirt's storage pools as a place for a guest's disks.
#pragma once

#include <filesystem>
#include <string>
#include <variant>

#include "host/libvirt.hpp"

namespace vmconvert::host {

// Where the disks of a pool lie: in a folder (pools of the types dir, fs, netfs) or in a volume
// group (type logical).
struct PoolFolder {
  std::filesystem::path path;

  bool operator==(const PoolFolder&) const = default;
};
struct PoolGroup {
  std::string name;

  bool operator==(const PoolGroup&) const = default;
};
using PoolPlace = std::variant<PoolFolder, PoolGroup>;

// Error(not_found) naming the pools that exist; Error(bad_input) for a pool that is not active or
// of another type.
PoolPlace resolve_pool(const Connection& connection, const std::string& name);

// After the disks are made, so that libvirt lists them. A pool that cannot be refreshed is a
// warning in the log: the disks are there all the same.
void refresh_pool(Connection& connection, const std::string& name);

// The pure part: from the pool's XML. Error(bad_input), see above, or for what is no pool's XML.
PoolPlace parse_pool(const std::string& xml, const std::string& name);

}  // namespace vmconvert::host
