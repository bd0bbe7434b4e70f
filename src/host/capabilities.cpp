#include "host/capabilities.hpp"

#include <libxml/parser.h>
#include <libxml/tree.h>

#include <algorithm>
#include <string_view>

#include "base/error.hpp"
#include "base/owned.hpp"
#include "base/text.hpp"

namespace vmconvert::host {
namespace {

using XmlDoc = Owned<xmlDoc, xmlFreeDoc>;
void free_xml_string(xmlChar* text) {
  xmlFree(text);
}
using XmlString = Owned<xmlChar, free_xml_string>;

std::string text_of(XmlString text) {
  return text ? std::string(reinterpret_cast<const char*>(text.get())) : std::string();
}

std::string attribute(const xmlNode* node, const char* name) {
  return text_of(XmlString(xmlGetProp(node, reinterpret_cast<const xmlChar*>(name))));
}

std::vector<const xmlNode*> children(const xmlNode* parent, std::string_view name) {
  std::vector<const xmlNode*> found;
  for (const xmlNode* node = parent->children; node != nullptr; node = node->next) {
    if (node->type == XML_ELEMENT_NODE && name == reinterpret_cast<const char*>(node->name)) {
      found.push_back(node);
    }
  }
  return found;
}

std::string child_text(const xmlNode* parent, std::string_view name) {
  const auto found = children(parent, name);
  return found.empty() ? std::string()
                       : std::string(trim(text_of(XmlString(xmlNodeGetContent(found.front())))));
}

void add(const xmlNode* arch, GuestSupport& support) {
  if (support.emulator.empty()) {
    support.emulator = child_text(arch, "emulator");
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
  constexpr int k_quiet_and_local = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING;
  const XmlDoc doc(xmlReadMemory(xml.data(),
                                 static_cast<int>(std::min<std::size_t>(xml.size(), 1U << 30U)),
                                 "capabilities.xml", nullptr, k_quiet_and_local));
  const xmlNode* root = doc ? xmlDocGetRootElement(doc.get()) : nullptr;
  if (root == nullptr) {
    throw Error(ErrorKind::bad_input, "libvirt's capabilities are not XML");
  }
  GuestSupport support;
  for (const xmlNode* guest : children(root, "guest")) {
    if (child_text(guest, "os_type") != "hvm") {
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
