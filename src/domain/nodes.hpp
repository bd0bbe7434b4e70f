// Reading and building the element tree, in the few ways that domain descriptions need.
#pragma once

#include <libxml/tree.h>

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vmconvert::domain {

// A text as libxml2 takes it.
inline const xmlChar* xml(const char* text) {
  return reinterpret_cast<const xmlChar*>(text);
}

// Elements without a namespace only: those of libvirt's own vocabulary.
bool is_element(const xmlNode& node, std::string_view name);
// The first such child; null when there is none.
const xmlNode* child(const xmlNode& parent, std::string_view name);
std::vector<const xmlNode*> children(const xmlNode& parent, std::string_view name);
// Follows names from `parent`: path(*root, {"os", "type"}).
const xmlNode* path(const xmlNode& parent, std::initializer_list<std::string_view> names);

// Nothing when the attribute, or the node itself, is absent.
std::optional<std::string> attribute(const xmlNode* node, const char* name);
std::string attribute_or(const xmlNode* node, const char* name, std::string_view fallback);
// Trimmed; empty when the node is absent.
std::string text_of(const xmlNode* node);

using Attributes = std::initializer_list<std::pair<const char*, std::string>>;

// Appends an element. Values are escaped when written; they must be UTF-8 without control
// characters.
xmlNode& add(xmlNode& parent, const char* name, Attributes attributes = {},
             const std::string& text = {});
void set_attribute(xmlNode& node, const char* name, const std::string& value);

}  // namespace vmconvert::domain
