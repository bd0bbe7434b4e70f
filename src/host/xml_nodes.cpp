#include "host/xml_nodes.hpp"

#include "base/text.hpp"

namespace vmconvert::host {
namespace {

void free_xml_string(xmlChar* text) {
  xmlFree(text);
}
using XmlString = Owned<xmlChar, free_xml_string>;

std::string take(const XmlString& text) {
  return text ? std::string(reinterpret_cast<const char*>(text.get())) : std::string();
}

bool is_element(const xmlNode* node, std::string_view name) {
  return node->type == XML_ELEMENT_NODE && name == name_of(node);
}

const xmlNode* first_below(const xmlNode* parent) {
  return parent == nullptr ? nullptr : parent->children;
}

}  // namespace

XmlDoc parse_xml(const std::string& xml, std::size_t limit) {
  constexpr int k_quiet_and_local = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING;
  return XmlDoc(xml.size() > limit ? nullptr
                                   : xmlReadMemory(xml.data(), static_cast<int>(xml.size()),
                                                   "libvirt.xml", nullptr, k_quiet_and_local));
}

const xmlNode* root_of(const XmlDoc& doc) {
  return doc ? xmlDocGetRootElement(doc.get()) : nullptr;
}

const xmlNode* child(const xmlNode* parent, std::string_view name) {
  for (const xmlNode* node = first_below(parent); node != nullptr; node = node->next) {
    if (is_element(node, name)) {
      return node;
    }
  }
  return nullptr;
}

std::vector<const xmlNode*> children(const xmlNode* parent, std::string_view name) {
  std::vector<const xmlNode*> found;
  for (const xmlNode* node = first_below(parent); node != nullptr; node = node->next) {
    if (is_element(node, name)) {
      found.push_back(node);
    }
  }
  return found;
}

std::string_view name_of(const xmlNode* node) {
  return reinterpret_cast<const char*>(node->name);
}

std::string attribute(const xmlNode* node, const char* name) {
  return node == nullptr
             ? std::string()
             : take(XmlString(xmlGetProp(node, reinterpret_cast<const xmlChar*>(name))));
}

std::string content(const xmlNode* node) {
  return node == nullptr ? std::string()
                         : std::string(trim(take(XmlString(xmlNodeGetContent(node)))));
}

}  // namespace vmconvert::host
