// By libvirt's libxl driver and xl.cfg(5): a PVH guest has Xen's own disks, cards and console. Xen
// passes no PCI device through to it, and the framebuffer and serial ports would be an emulator's,
// which is what such a guest does without.
#include "domain/make_pvh.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "base/text.hpp"
#include "domain/nodes.hpp"
#include "domain/os_type.hpp"
#include "domain/xml.hpp"

namespace vmconvert::domain {
namespace {

constexpr std::size_t k_most_left = 256;

bool is_any_of(const xmlNode& node, std::initializer_list<std::string_view> names) {
  return std::any_of(names.begin(), names.end(),
                     [&](std::string_view name) { return is_element(node, name); });
}

// A virtual function of a card is PCI, too.
bool is_passed_pci(const xmlNode& node) {
  const std::string type = attribute_or(&node, "type", "");
  return (is_element(node, "hostdev") && type == "pci") ||
         (is_element(node, "interface") && type == "hostdev");
}

bool leaves(const xmlNode& device) {
  return is_passed_pci(device) || is_any_of(device, {"graphics", "video", "sound", "audio",
                                                     "serial", "parallel", "tpm", "rng"});
}

// The cards of an emulated machine, and the bits of a PV guest's own memory map.
void drop_features(xmlNode& root) {
  xmlNode* const features = own_child(root, "features");
  for (xmlNode* node = features == nullptr ? nullptr : features->children; node != nullptr;) {
    xmlNode* const next = node->next;
    if (!is_element(*node, "hap")) {
      drop(node);
    }
    node = next;
  }
  if (features != nullptr && features->children == nullptr) {
    drop(features);
  }
}

}  // namespace

void make_pvh(xmlNode& root, model::VirtKind was, const std::string& arch,
              const std::string& origin) {
  if (was == model::VirtKind::pvh) {
    return;
  }
  if (was == model::VirtKind::hvm) {
    throw Error(
        ErrorKind::refused,
        fmt::format("{}: an HVM guest starts from the loader in its disk, for which PVH has "
                    "no firmware",
                    origin),
        "leave type = \"pvh\" out for it: it stays HVM; or make it a PV guest first, with "
        "pygrub reading its menu, and convert that");
  }
  set_os_type(root, arch, "xenpvh", "xenpvh");
  drop_features(root);
  xmlNode* const devices = own_child(root, "devices");
  for (xmlNode* node = devices == nullptr ? nullptr : devices->children; node != nullptr;) {
    xmlNode* const next = node->next;
    if (leaves(*node)) {
      drop(node);
    }
    node = next;
  }
}

std::vector<model::SpecialDevice> left_by_pvh(const model::Domain& domain,
                                              const std::string& origin) {
  std::vector<model::SpecialDevice> left;
  const XmlDoc doc = parse_xml(domain.xml, origin);
  const xmlNode* const devices = child(*xmlDocGetRootElement(doc.get()), "devices");
  if (domain.kind == model::VirtKind::pvh || devices == nullptr) {
    return left;
  }
  for (const xmlNode* node = devices->children; node != nullptr; node = node->next) {
    // Passed-through devices are named as such for every guest; a screen's adapter goes with it.
    if (node->type == XML_ELEMENT_NODE && left.size() < k_most_left && leaves(*node) &&
        !is_passed_pci(*node) && !is_any_of(*node, {"video", "audio", "tpm"})) {
      const std::string name = reinterpret_cast<const char*>(node->name);
      left.push_back({name == "graphics" ? "screen" : name,
                      printable(attribute_or(node, "type", attribute_or(node, "model", "")))});
    }
  }
  return left;
}

}  // namespace vmconvert::domain
