#include "domain/pinning.hpp"

#include <fmt/format.h>

#include "base/text.hpp"
#include "domain/nodes.hpp"
#include "domain/xml.hpp"

namespace vmconvert::domain {
namespace {

constexpr std::size_t k_most_pins = 256;
constexpr std::size_t k_longest_pin = 80;

void add_pin(model::CpuPinning& found, const std::string& what, const std::string& where) {
  if (!where.empty() && found.pins.size() < k_most_pins) {
    found.pins.push_back(fmt::format("{} to {}", printable(what).substr(0, k_longest_pin),
                                     printable(where).substr(0, k_longest_pin)));
  }
}

}  // namespace

model::CpuPinning read_pinning(const model::Domain& domain, const std::string& origin) {
  model::CpuPinning found;
  const XmlDoc doc = parse_xml(domain.xml, origin);
  const xmlNode& root = *xmlDocGetRootElement(doc.get());
  add_pin(found, "all processors", attribute_or(child(root, "vcpu"), "cpuset", ""));
  if (const xmlNode* const tuning = child(root, "cputune")) {
    for (const xmlNode* pin : children(*tuning, "vcpupin")) {
      add_pin(found, "processor " + attribute_or(pin, "vcpu", "?"),
              attribute_or(pin, "cpuset", ""));
    }
    add_pin(found, "the emulator", attribute_or(child(*tuning, "emulatorpin"), "cpuset", ""));
    for (const xmlNode* pin : children(*tuning, "iothreadpin")) {
      add_pin(found, "I/O thread " + attribute_or(pin, "iothread", "?"),
              attribute_or(pin, "cpuset", ""));
    }
  }
  const std::string node = attribute_or(path(root, {"numatune", "memory"}), "nodeset", "");
  add_pin(found, "memory", node.empty() ? "" : "node " + node);
  found.numa_cells = path(root, {"cpu", "numa"}) != nullptr;
  return found;
}

}  // namespace vmconvert::domain
