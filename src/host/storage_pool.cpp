#include "host/storage_pool.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "host/xml_nodes.hpp"

namespace vmconvert::host {
namespace {

[[noreturn]] void throw_not_found(const Connection& connection, const std::string& name,
                                  const std::vector<PoolSummary>& pools) {
  std::vector<std::string> names;
  names.reserve(pools.size());
  for (const PoolSummary& pool : pools) {
    names.push_back(printable(pool.name));
  }
  throw Error(ErrorKind::not_found,
              fmt::format("there is no storage pool {} at {}", printable(name),
                          printable(connection.uri())),
              names.empty() ? "there is none at all: name a folder or a volume group instead"
                            : fmt::format("there is {}", join(names, ", ")));
}

}  // namespace

PoolPlace parse_pool(const std::string& xml, const std::string& name) {
  constexpr std::size_t k_limit = 1U << 24U;
  const XmlDoc doc = parse_xml(xml, k_limit);
  const xmlNode* root = root_of(doc);
  const std::string shown = printable(name);
  if (root == nullptr || name_of(root) != "pool") {
    throw Error(
        ErrorKind::bad_input,
        fmt::format("libvirt's description of the storage pool {} is no pool's XML", shown));
  }
  const std::string type(trim(attribute(root, "type")));
  if (type == "dir" || type == "fs" || type == "netfs") {
    const std::filesystem::path path = content(child(child(root, "target"), "path"));
    if (!path.is_absolute()) {
      throw Error(ErrorKind::bad_input, fmt::format("the storage pool {} names no folder", shown));
    }
    return PoolFolder{path};
  }
  if (type == "logical") {
    const std::string group = content(child(child(root, "source"), "name"));
    // libvirt's own default: the group that is named as the pool.
    return PoolGroup{group.empty() ? name : group};
  }
  throw Error(ErrorKind::bad_input,
              fmt::format("the storage pool {} is of the type {}, where no disks can be made",
                          shown, printable(type)),
              "pools of the types dir, fs, netfs and logical are of use");
}

PoolPlace resolve_pool(const Connection& connection, const std::string& name) {
  const std::vector<PoolSummary> pools = connection.storage_pools();
  const auto found = std::find_if(pools.begin(), pools.end(),
                                  [&](const PoolSummary& pool) { return pool.name == name; });
  if (found == pools.end()) {
    throw_not_found(connection, name, pools);
  }
  if (!found->active) {
    throw Error(ErrorKind::bad_input,
                fmt::format("the storage pool {} is not active", printable(name)),
                fmt::format("start it: virsh -c {} pool-start {}", printable(connection.uri()),
                            printable(name)));
  }
  return parse_pool(connection.storage_pool_xml(name), name);
}

void refresh_pool(Connection& connection, const std::string& name) {
  try {
    connection.refresh_storage_pool(name);
  } catch (const Error& error) {
    log_warning(error.message());
  }
}

}  // namespace vmconvert::host
