#include "domain/devices.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"
#include "domain/nodes.hpp"
#include "domain/xml.hpp"

namespace vmconvert::domain {
namespace {

constexpr int k_deepest_chain = 32;
constexpr std::size_t k_most_devices = 256;

std::string short_text(const std::string& text) {
  return printable(text).substr(0, 120);
}

std::string pci_address(const xmlNode* address) {
  const auto part = [&](const char* name) {
    const std::string value = attribute_or(address, name, "0x0");
    return value.starts_with("0x") ? value.substr(2) : value;
  };
  return fmt::format("{:0>4}:{:0>2}:{:0>2}.{}", part("domain"), part("bus"), part("slot"),
                     part("function"));
}

std::string describe_hostdev(const xmlNode& device) {
  const std::string type = attribute_or(&device, "type", "");
  const xmlNode* const source = child(device, "source");
  const xmlNode* const address = source == nullptr ? nullptr : child(*source, "address");
  if (type == "pci" && address != nullptr) {
    return "PCI " + short_text(pci_address(address));
  }
  if (type == "usb" && source != nullptr) {
    return short_text(fmt::format("USB {}:{}", attribute_or(child(*source, "vendor"), "id", "?"),
                                  attribute_or(child(*source, "product"), "id", "?")));
  }
  return short_text(type.empty() ? "a device of the host" : type);
}

void add_special(const xmlNode& device, model::DescribedDevices& found) {
  const std::string name = reinterpret_cast<const char*>(device.name);
  if (name == "hostdev") {
    found.special.push_back({name, describe_hostdev(device)});
  } else if (name == "interface" && attribute_or(&device, "type", "") == "hostdev") {
    found.special.push_back(
        {"network card",
         short_text(attribute_or(child(device, "mac"), "address", "without an address"))});
  } else if (name == "disk" && attribute_or(&device, "device", "disk") == "lun") {
    found.special.push_back({"lun", short_text(attribute_or(child(device, "target"), "dev", "?"))});
  } else if (name == "disk" && attribute_or(&device, "device", "disk") == "floppy") {
    found.special.push_back(
        {"floppy", short_text(attribute_or(child(device, "target"), "dev", "?"))});
  } else if (name == "tpm" || name == "redirdev" || name == "filesystem" || name == "shmem" ||
             name == "smartcard" || name == "nvram") {
    found.special.push_back(
        {name, short_text(attribute_or(&device, "model", attribute_or(&device, "type", "")))});
  }
}

void add_network(const xmlNode& device, model::DescribedDevices& found) {
  const std::string type = attribute_or(&device, "type", "");
  const std::string name = attribute_or(child(device, "source"), type.c_str(), "");
  std::vector<std::string>* const list = type == "bridge"    ? &found.bridges
                                         : type == "network" ? &found.networks
                                                             : nullptr;
  if (list != nullptr && !name.empty() &&
      std::find(list->begin(), list->end(), name) == list->end()) {
    list->push_back(name);
  }
}

// <backingStore> within <backingStore>, and <dataStore>: what libvirt itself would open.
void add_chain(const xmlNode& disk, std::vector<std::filesystem::path>& chain) {
  const xmlNode* layer = &disk;
  for (int depth = 0; layer != nullptr && depth < k_deepest_chain; ++depth) {
    if (layer != &disk) {
      const xmlNode* const source = child(*layer, "source");
      const std::string path = attribute_or(source, "file", "") + attribute_or(source, "dev", "");
      if (!path.empty()) {
        chain.emplace_back(path);
      }
    }
    const xmlNode* const source = child(*layer, "source");
    if (const xmlNode* data = source == nullptr ? nullptr : child(*source, "dataStore")) {
      const std::string path = attribute_or(child(*data, "source"), "file", "") +
                               attribute_or(child(*data, "source"), "dev", "");
      chain.emplace_back(path);
    }
    layer = child(*layer, "backingStore");
  }
}

}  // namespace

model::DescribedDevices read_devices(const model::Domain& domain, const std::string& origin) {
  model::DescribedDevices found;
  found.chains.resize(domain.disks.size());
  const XmlDoc doc = parse_xml(domain.xml, origin);
  const xmlNode& root = *xmlDocGetRootElement(doc.get());
  const xmlNode* const memory = child(root, "memoryBacking");
  found.hugepages = memory != nullptr && child(*memory, "hugepages") != nullptr;
  found.secure_boot = attribute_or(path(root, {"os", "loader"}), "secure", "no") == "yes";
  const xmlNode* const devices = child(root, "devices");
  if (devices == nullptr) {
    return found;
  }
  for (const xmlNode* node = devices->children; node != nullptr; node = node->next) {
    if (node->type == XML_ELEMENT_NODE && found.special.size() < k_most_devices) {
      add_special(*node, found);
    }
  }
  for (const xmlNode* device : children(*devices, "interface")) {
    add_network(*device, found);
  }
  const auto disks = children(*devices, "disk");
  for (std::size_t i = 0; i < std::min(disks.size(), domain.disks.size()); ++i) {
    if (child(*disks[i], "shareable") != nullptr) {
      found.shareable.push_back(domain.disks[i].target);
    }
    add_chain(*disks[i], found.chains[i]);
  }
  return found;
}

}  // namespace vmconvert::domain
