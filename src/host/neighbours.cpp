#include "host/neighbours.hpp"

#include <libvirt/virterror.h>

#include <filesystem>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "host/node.hpp"
#include "host/xml_nodes.hpp"

namespace vmconvert::host {
namespace {

using Domain = Owned<virDomain, virDomainFree>;
using Network = Owned<virNetwork, virNetworkFree>;

constexpr std::size_t k_xml_limit = 1U << 20U;

void add_device(const xmlNode* device, model::Neighbour& found) {
  const std::string_view name = name_of(device);
  if (name == "interface") {
    if (const xmlNode* mac = child(device, "mac")) {
      found.macs.push_back(lower_case(attribute(mac, "address")));
    }
  } else if (name == "disk" && attribute(device, "device") != "cdrom" &&
             child(device, "readonly") == nullptr) {
    if (const xmlNode* source = child(device, "source")) {
      const std::string path = attribute(source, "file") + attribute(source, "dev");
      if (!path.empty()) {
        found.disks.emplace_back(path);
      }
    }
  }
}

}  // namespace

model::Neighbour parse_neighbour(const std::string& xml) {
  model::Neighbour found;
  const XmlDoc doc = parse_xml(xml, k_xml_limit);
  const xmlNode* devices = child(root_of(doc), "devices");
  for (const xmlNode* node = devices == nullptr ? nullptr : devices->children; node != nullptr;
       node = node->next) {
    if (node->type == XML_ELEMENT_NODE) {
      add_device(node, found);
    }
  }
  return found;
}

std::vector<model::Neighbour> neighbours(const Connection& connection) {
  std::vector<model::Neighbour> found;
  for (const DomainSummary& domain : connection.list()) {
    try {
      model::Neighbour neighbour = parse_neighbour(connection.domain_xml(domain.uuid));
      neighbour.name = domain.name;
      neighbour.uuid = domain.uuid;
      neighbour.active = domain.active;
      found.push_back(std::move(neighbour));
    } catch (const Error& error) {
      log_detail("left out of the checks: " + to_text(error));  // it may have gone just now
    }
  }
  return found;
}

std::optional<bool> has_network(const Connection& connection, const std::string& name) {
  const Network network(virNetworkLookupByName(connection.handle(), name.c_str()));
  if (network) {
    return true;
  }
  const virError* error = virGetLastError();
  return error != nullptr && error->code == VIR_ERR_NO_NETWORK ? std::optional(false)
                                                               : std::nullopt;
}

std::optional<bool> has_bridge(const Connection& connection, const std::string& name) {
  if (!is_local(connection) || name.empty() || name.find('/') != std::string::npos ||
      name.starts_with('.')) {
    return std::nullopt;
  }
  std::error_code error;
  const std::filesystem::path link = std::filesystem::path("/sys/class/net") / name;
  // Open vSwitch's bridges have no such folder, but the link is there.
  return std::filesystem::exists(link, error);
}

}  // namespace vmconvert::host
