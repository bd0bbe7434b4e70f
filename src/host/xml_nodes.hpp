// The little of libxml2 that reading libvirt's answers takes. What libvirt prints may hold names
// from anywhere: nothing is loaded from elsewhere, no entity is expanded, nothing is printed.
#pragma once

#include <libxml/parser.h>
#include <libxml/tree.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/owned.hpp"

namespace vmconvert::host {

using XmlDoc = Owned<xmlDoc, xmlFreeDoc>;

// Null for what is no XML, or longer than `limit` bytes.
XmlDoc parse_xml(const std::string& xml, std::size_t limit);
const xmlNode* root_of(const XmlDoc& doc);  // null for null

// Elements of that name right below; null and none below null.
const xmlNode* child(const xmlNode* parent, std::string_view name);
std::vector<const xmlNode*> children(const xmlNode* parent, std::string_view name);

std::string_view name_of(const xmlNode* node);
// Empty where there is none, and of null.
std::string attribute(const xmlNode* node, const char* name);
std::string content(const xmlNode* node);  // trimmed

}  // namespace vmconvert::host
