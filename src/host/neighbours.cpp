#include "host/neighbours.hpp"

#include <libvirt/virterror.h>
#include <libxml/parser.h>
#include <libxml/tree.h>

#include <algorithm>
#include <cctype>
#include <filesystem>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/text.hpp"

namespace vmconvert::host {
namespace {

using Domain = Owned<virDomain, virDomainFree>;
using Network = Owned<virNetwork, virNetworkFree>;
using XmlDoc = Owned<xmlDoc, xmlFreeDoc>;
void free_xml_string(xmlChar* text) {
  xmlFree(text);
}
using XmlString = Owned<xmlChar, free_xml_string>;

constexpr std::size_t k_xml_limit = 1U << 20U;

std::string attribute(const xmlNode* node, const char* name) {
  const XmlString text(xmlGetProp(node, reinterpret_cast<const xmlChar*>(name)));
  return text ? std::string(reinterpret_cast<const char*>(text.get())) : std::string();
}

const xmlNode* child(const xmlNode* parent, std::string_view name) {
  for (const xmlNode* node = parent == nullptr ? nullptr : parent->children; node != nullptr;
       node = node->next) {
    if (node->type == XML_ELEMENT_NODE && name == reinterpret_cast<const char*>(node->name)) {
      return node;
    }
  }
  return nullptr;
}

void add_device(const xmlNode* device, model::Neighbour& found) {
  const std::string_view name = reinterpret_cast<const char*>(device->name);
  if (name == "interface") {
    if (const xmlNode* mac = child(device, "mac")) {
      std::string address = attribute(mac, "address");
      std::transform(address.begin(), address.end(), address.begin(),
                     [](unsigned char c) { return std::tolower(c); });
      found.macs.push_back(std::move(address));
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

// Bridges can be looked at only where they are.
bool is_local(const std::string& uri) {
  const auto host = uri.find("://");
  return host != std::string::npos && uri.substr(host + 3).starts_with('/') &&
         !uri.starts_with("test");
}

}  // namespace

model::Neighbour parse_neighbour(const std::string& xml) {
  model::Neighbour found;
  if (xml.size() > k_xml_limit) {
    return found;
  }
  constexpr int k_quiet_and_local = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING;
  const XmlDoc doc(xmlReadMemory(xml.data(), static_cast<int>(xml.size()), "domain.xml", nullptr,
                                 k_quiet_and_local));
  const xmlNode* devices = child(doc ? xmlDocGetRootElement(doc.get()) : nullptr, "devices");
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

model::NodeFacts node_facts(const Connection& connection) {
  virNodeInfo info{};
  if (virNodeGetInfo(connection.handle(), &info) != 0) {
    return {};
  }
  return {ByteCount{std::uint64_t{info.memory} * k_kib}, info.cpus};
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
  if (!is_local(connection.uri()) || name.empty() || name.find('/') != std::string::npos ||
      name.starts_with('.')) {
    return std::nullopt;
  }
  std::error_code error;
  const std::filesystem::path link = std::filesystem::path("/sys/class/net") / name;
  // Open vSwitch's bridges have no such folder, but the link is there.
  return std::filesystem::exists(link, error);
}

bool has_autostart(const Connection& connection, const std::string& domain) {
  const Domain found(virDomainLookupByName(connection.handle(), domain.c_str()));
  int autostart = 0;
  return found && virDomainGetAutostart(found.get(), &autostart) == 0 && autostart != 0;
}

}  // namespace vmconvert::host
