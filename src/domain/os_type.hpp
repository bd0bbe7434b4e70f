// The kind of virtual machine that a description asks for, and the edits that changing it takes.
#pragma once

#include <libxml/tree.h>

#include <string>
#include <string_view>

namespace vmconvert::domain {

// Xen's own BIOS loader, where its packages have it.
inline constexpr const char* k_hvmloader = "/usr/lib/xen/boot/hvmloader";

xmlNode* own_child(xmlNode& parent, std::string_view name);
// Nothing happens to null.
void drop(xmlNode* node);
// Appends the element, or takes the one that is there, in front of <devices>.
xmlNode& part_of_domain(xmlNode& root, const char* name);

// <os><type arch=... machine=...>TYPE</type>, with what else is in <os> behind it.
xmlNode& set_os_type(xmlNode& root, const std::string& arch, const char* machine, const char* type);

}  // namespace vmconvert::domain
