#include "domain/nodes.hpp"

#include <new>

#include "base/text.hpp"
#include "domain/xml.hpp"

namespace vmconvert::domain {
namespace {

std::string take_text(xmlChar* raw) {
  const XmlString owned(raw);
  return owned ? std::string(reinterpret_cast<const char*>(owned.get())) : std::string();
}

}  // namespace

bool is_element(const xmlNode& node, std::string_view name) {
  return node.type == XML_ELEMENT_NODE && node.ns == nullptr &&
         name == reinterpret_cast<const char*>(node.name);
}

const xmlNode* child(const xmlNode& parent, std::string_view name) {
  for (const xmlNode* node = parent.children; node != nullptr; node = node->next) {
    if (is_element(*node, name)) {
      return node;
    }
  }
  return nullptr;
}

std::vector<const xmlNode*> children(const xmlNode& parent, std::string_view name) {
  std::vector<const xmlNode*> found;
  for (const xmlNode* node = parent.children; node != nullptr; node = node->next) {
    if (is_element(*node, name)) {
      found.push_back(node);
    }
  }
  return found;
}

const xmlNode* path(const xmlNode& parent, std::initializer_list<std::string_view> names) {
  const xmlNode* node = &parent;
  for (const std::string_view name : names) {
    node = child(*node, name);
    if (node == nullptr) {
      return nullptr;
    }
  }
  return node;
}

std::optional<std::string> attribute(const xmlNode* node, const char* name) {
  if (node == nullptr || xmlHasNsProp(node, xml(name), nullptr) == nullptr) {
    return std::nullopt;
  }
  return take_text(xmlGetNoNsProp(node, xml(name)));
}

std::string attribute_or(const xmlNode* node, const char* name, std::string_view fallback) {
  auto value = attribute(node, name);
  return value ? *std::move(value) : std::string(fallback);
}

std::string text_of(const xmlNode* node) {
  return node == nullptr ? std::string() : std::string(trim(take_text(xmlNodeGetContent(node))));
}

xmlNode& add(xmlNode& parent, const char* name, Attributes attributes, const std::string& text) {
  // xmlNewTextChild escapes & and <, unlike xmlNewChild.
  xmlNode* const node =
      xmlNewTextChild(&parent, nullptr, xml(name), text.empty() ? nullptr : xml(text.c_str()));
  if (node == nullptr) {
    throw std::bad_alloc();
  }
  for (const auto& [key, value] : attributes) {
    set_attribute(*node, key, value);
  }
  return *node;
}

void set_attribute(xmlNode& node, const char* name, const std::string& value) {
  // Not xmlNewProp(): that one adds a second attribute of the name, and the text is no XML any
  // more.
  if (xmlSetProp(&node, xml(name), xml(value.c_str())) == nullptr) {
    throw std::bad_alloc();
  }
}

}  // namespace vmconvert::domain
