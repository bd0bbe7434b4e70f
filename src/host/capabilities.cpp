#include "host/capabilities.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "host/xml_nodes.hpp"

namespace vmconvert::host {
namespace {

void add(const xmlNode* arch, GuestSupport& support) {
  if (support.emulator.empty()) {
    support.emulator = content(child(arch, "emulator"));
  }
  for (const xmlNode* domain : children(arch, "domain")) {
    const std::string type = attribute(domain, "type");
    auto& types = support.domain_types;
    if (!type.empty() && std::find(types.begin(), types.end(), type) == types.end()) {
      types.push_back(type);
    }
  }
}

}  // namespace

GuestSupport parse_capabilities(const std::string& xml, const std::string& arch) {
  constexpr std::size_t k_limit = 1U << 30U;
  const XmlDoc doc = parse_xml(xml, k_limit);
  const xmlNode* root = root_of(doc);
  if (root == nullptr) {
    throw Error(ErrorKind::bad_input, "libvirt's capabilities are not XML");
  }
  GuestSupport support;
  for (const xmlNode* guest : children(root, "guest")) {
    if (content(child(guest, "os_type")) != "hvm") {
      continue;
    }
    for (const xmlNode* node : children(guest, "arch")) {
      if (attribute(node, "name") == arch) {
        add(node, support);
      }
    }
  }
  return support;
}

}  // namespace vmconvert::host
