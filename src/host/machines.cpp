// The levels are those of the x86-64 psABI, which glibc and distributions go by: Red Hat Enterprise
// Linux 9 and its like are built for the second, their version 10 for the third.
#include "host/machines.hpp"

#include <fmt/format.h>
#include <libvirt/virterror.h>
#include <stdlib.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/log.hpp"
#include "base/owned.hpp"
#include "base/text.hpp"
#include "host/xml_nodes.hpp"

namespace vmconvert::host {
namespace {

constexpr std::size_t k_cpuinfo_limit = 64U << 20U;  // 8 KiB a processor, thousands of them

void free_text(char* text) {
  ::free(text);
}
using Text = Owned<char, free_text>;

void add_once(std::vector<std::string>& list, const std::string& text) {
  if (!text.empty() && std::find(list.begin(), list.end(), text) == list.end()) {
    list.push_back(text);
  }
}

void add_machines(const xmlNode* node, std::vector<std::string>& machines) {
  for (const xmlNode* machine : children(node, "machine")) {
    add_once(machines, content(machine));
    add_once(machines, attribute(machine, "canonical"));
  }
}

// As Linux calls them. sse and sse2 are in every 64-bit processor; pni is SSE3, abm has lzcnt.
using Features = std::vector<const char*>;
const std::array<Features, 4>& features_of_levels() {
  static const std::array<Features, 4> k_levels = {
      Features{"lm"}, Features{"cx16", "lahf_lm", "popcnt", "pni", "ssse3", "sse4_1", "sse4_2"},
      Features{"avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe", "xsave"},
      Features{"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}};
  return k_levels;
}

}  // namespace

model::MachineOffer parse_machine_offer(const std::string& xml, const std::string& arch) {
  constexpr std::size_t k_limit = 1U << 30U;
  const XmlDoc doc = parse_xml(xml, k_limit);
  const xmlNode* root = root_of(doc);
  if (root == nullptr) {
    throw Error(ErrorKind::bad_input, "libvirt's capabilities are not XML");
  }
  model::MachineOffer offer;
  offer.pvh = false;
  for (const xmlNode* guest : children(root, "guest")) {
    const std::string os_type = content(child(guest, "os_type"));
    if (os_type == "xenpvh") {
      const auto all = children(guest, "arch");
      offer.pvh = *offer.pvh || std::any_of(all.begin(), all.end(), [&](const xmlNode* node) {
        return attribute(node, "name") == arch;
      });
    }
    if (os_type != "hvm") {
      continue;
    }
    for (const xmlNode* node : children(guest, "arch")) {
      add_once(offer.architectures, attribute(node, "name"));
      if (attribute(node, "name") == arch) {
        add_machines(node, offer.machines);
        for (const xmlNode* domain : children(node, "domain")) {
          add_machines(domain, offer.machines);
        }
      }
    }
  }
  return offer;
}

std::optional<bool> parse_uefi_offer(const std::string& xml) {
  constexpr std::size_t k_limit = 1U << 24U;
  const XmlDoc doc = parse_xml(xml, k_limit);
  const xmlNode* root = root_of(doc);
  const xmlNode* os = root == nullptr ? nullptr : child(root, "os");
  for (const xmlNode* choice :
       os == nullptr ? std::vector<const xmlNode*>{} : children(os, "enum")) {
    if (attribute(choice, "name") == "firmware") {
      const auto values = children(choice, "value");
      return std::any_of(values.begin(), values.end(),
                         [](const xmlNode* value) { return content(value) == "efi"; });
    }
  }
  return std::nullopt;
}

model::MachineOffer machine_offer(const Connection& connection, const std::string& arch,
                                  const std::string& machine) {
  const Text xml(virConnectGetCapabilities(connection.handle()));
  if (!xml) {
    const virError* error = virGetLastError();
    throw Error(
        ErrorKind::tool_failed,
        fmt::format("asking {} what it can run: {}", printable(connection.uri()),
                    error == nullptr || error->message == nullptr ? "libvirt does not say why"
                                                                  : printable(error->message)));
  }
  model::MachineOffer offer = parse_machine_offer(xml.get(), arch);
  if (!machine.empty()) {  // not every driver can tell
    const Text capabilities(virConnectGetDomainCapabilities(
        connection.handle(), nullptr, arch.c_str(), machine.c_str(), nullptr, 0));
    offer.uefi = capabilities ? parse_uefi_offer(capabilities.get()) : std::nullopt;
  }
  return offer;
}

model::CpuLevel parse_cpu_level(std::string_view cpuinfo) {
  std::optional<std::set<std::string>> common;
  for (const std::string& line : lines(cpuinfo)) {
    const auto colon = line.find(':');
    if (colon == std::string::npos || trim(line.substr(0, colon)) != "flags") {
      continue;
    }
    const std::vector<std::string> flags = words(std::string_view(line).substr(colon + 1));
    std::set<std::string> these(flags.begin(), flags.end());
    if (common) {
      std::erase_if(*common, [&](const std::string& flag) { return these.count(flag) == 0; });
    } else {
      common = std::move(these);
    }
  }
  model::CpuLevel found;
  if (!common) {
    return found;
  }
  for (const Features& features : features_of_levels()) {
    for (const char* feature : features) {
      if (common->count(feature) == 0) {
        found.missing.emplace_back(feature);
      }
    }
    if (!found.missing.empty()) {
      break;
    }
    ++found.level;
  }
  return found;
}

model::CpuLevel own_cpu_level() {
  try {
    return parse_cpu_level(read_text_file("/proc/cpuinfo", k_cpuinfo_limit));
  } catch (const Error& error) {
    log_detail(to_text(error));
    return {};
  }
}

}  // namespace vmconvert::host
