#include "host/storage_pool.hpp"

#include <fmt/format.h>
#include <libxml/parser.h>
#include <libxml/tree.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/owned.hpp"
#include "base/text.hpp"

namespace vmconvert::host {
namespace {

using XmlDoc = Owned<xmlDoc, xmlFreeDoc>;
void free_xml_string(xmlChar* text) {
  xmlFree(text);
}
using XmlString = Owned<xmlChar, free_xml_string>;

const xmlNode* child(const xmlNode* parent, std::string_view name) {
  for (const xmlNode* node = parent == nullptr ? nullptr : parent->children; node != nullptr;
       node = node->next) {
    if (node->type == XML_ELEMENT_NODE && name == reinterpret_cast<const char*>(node->name)) {
      return node;
    }
  }
  return nullptr;
}

std::string text_of(const XmlString& text) {
  return text ? std::string(trim(reinterpret_cast<const char*>(text.get()))) : std::string();
}

std::string content(const xmlNode* node) {
  return node == nullptr ? std::string() : text_of(XmlString(xmlNodeGetContent(node)));
}

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
  constexpr int k_quiet_and_local = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING;
  constexpr std::size_t k_limit = 1U << 24U;
  const XmlDoc doc(xml.size() > k_limit ? nullptr
                                        : xmlReadMemory(xml.data(), static_cast<int>(xml.size()),
                                                        "pool.xml", nullptr, k_quiet_and_local));
  const xmlNode* root = doc ? xmlDocGetRootElement(doc.get()) : nullptr;
  const std::string shown = printable(name);
  if (root == nullptr || std::string_view(reinterpret_cast<const char*>(root->name)) != "pool") {
    throw Error(
        ErrorKind::bad_input,
        fmt::format("libvirt's description of the storage pool {} is no pool's XML", shown));
  }
  const std::string type =
      text_of(XmlString(xmlGetProp(root, reinterpret_cast<const xmlChar*>("type"))));
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
