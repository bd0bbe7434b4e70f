#include "domain/os_type.hpp"

#include "domain/nodes.hpp"

namespace vmconvert::domain {

xmlNode* own_child(xmlNode& parent, std::string_view name) {
  return const_cast<xmlNode*>(child(parent, name));
}

void drop(xmlNode* node) {
  if (node != nullptr) {
    xmlUnlinkNode(node);
    xmlFreeNode(node);
  }
}

xmlNode& part_of_domain(xmlNode& root, const char* name) {
  if (xmlNode* const found = own_child(root, name)) {
    return *found;
  }
  xmlNode& made = add(root, name);
  if (xmlNode* const devices = own_child(root, "devices")) {
    xmlUnlinkNode(&made);
    xmlAddPrevSibling(devices, &made);
  }
  return made;
}

xmlNode& set_os_type(xmlNode& root, const std::string& arch, const char* machine,
                     const char* type) {
  xmlNode& os = part_of_domain(root, "os");  // the oldest descriptions have a bootloader alone
  drop(own_child(os, "type"));
  xmlNode& made = add(os, "type", {{"arch", arch}, {"machine", machine}}, type);
  if (os.children != &made) {
    xmlNode* const first = os.children;
    xmlUnlinkNode(&made);
    xmlAddPrevSibling(first, &made);
  }
  return os;
}

}  // namespace vmconvert::domain
