#include "domain/adjust.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <new>

#include "base/error.hpp"
#include "domain/make_hvm.hpp"
#include "domain/make_pvh.hpp"
#include "domain/nodes.hpp"
#include "domain/read.hpp"
#include "domain/xml.hpp"

namespace vmconvert::domain {
namespace {

xmlNode* first(xmlNode& parent, std::string_view name) {
  for (xmlNode* node = parent.children; node != nullptr; node = node->next) {
    if (is_element(*node, name)) {
      return node;
    }
  }
  return nullptr;
}

void remove(xmlNode* node) {
  if (node != nullptr) {
    xmlUnlinkNode(node);
    xmlFreeNode(node);
  }
}

void replace_attribute(xmlNode& node, const char* name, const std::string& value) {
  if (xmlSetProp(&node, xml(name), xml(value.c_str())) == nullptr) {
    throw std::bad_alloc();
  }
}

void replace_text(xmlNode& parent, const char* name, const std::string& text,
                  Attributes attributes) {
  xmlNode* const old = first(parent, name);
  xmlNode& made = add(parent, name, attributes, text);
  if (old != nullptr) {
    xmlUnlinkNode(&made);
    xmlReplaceNode(old, &made);
    xmlFreeNode(old);
  }
}

// 52:54:00 is what QEMU's addresses begin with. FNV-1a: the same on every host and at every run.
std::string fresh_mac(const std::string& name, std::size_t index, const std::string& old) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : fmt::format("{}\n{}\n{}", name, index, old)) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  }
  hash ^= hash >> 32U;
  return fmt::format("52:54:00:{:02x}:{:02x}:{:02x}", hash >> 16U & 0xffU, hash >> 8U & 0xffU,
                     hash & 0xffU);
}

void adjust_memory(xmlNode& root, ByteCount memory) {
  const std::string kib = fmt::format("{}", memory.value / k_kib);
  replace_text(root, "memory", kib, {{"unit", "KiB"}});
  replace_text(root, "currentMemory", kib, {{"unit", "KiB"}});
  remove(first(root, "maxMemory"));
}

// A topology or a set of switched-on processors means the old number.
void adjust_vcpus(xmlNode& root, unsigned vcpus) {
  replace_text(root, "vcpu", fmt::format("{}", vcpus), {{"placement", "static"}});
  remove(first(root, "vcpus"));
  if (xmlNode* const cpu = first(root, "cpu")) {
    remove(first(*cpu, "topology"));
    remove(first(*cpu, "numa"));
  }
}

void adjust_interface(xmlNode& node, const model::Adjustments& wanted, const std::string& name,
                      std::size_t index) {
  if (xmlNode* const source = first(node, "source")) {
    for (const char* kind : {"bridge", "network"}) {
      const auto old = attribute(source, kind);
      const auto entry = old ? wanted.bridges.find(*old) : wanted.bridges.end();
      if (entry != wanted.bridges.end()) {
        replace_attribute(*source, kind, entry->second);
      }
    }
  }
  if (wanted.macs == model::MacPolicy::fresh) {
    xmlNode* mac = first(node, "mac");
    if (mac == nullptr) {
      mac = &add(node, "mac");
    }
    std::string old = attribute_or(mac, "address", "");
    std::transform(old.begin(), old.end(), old.begin(),
                   [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c; });
    replace_attribute(*mac, "address", fresh_mac(name, index, old));
  }
}

// Where disks and the host's kernel lie is not the description's to say of a bundle, and an HVM
// guest's description names no kernel, where the guest may still need the one that it had.
model::Domain with_places_of(model::Domain changed, const model::Domain& before) {
  for (model::DomainDisk& disk : changed.disks) {
    const auto same =
        std::find_if(before.disks.begin(), before.disks.end(),
                     [&](const model::DomainDisk& each) { return each.target == disk.target; });
    if (same != before.disks.end()) {
      disk.source = same->source;
      disk.format = same->format;
    }
  }
  changed.direct_boot = before.direct_boot;
  changed.was_running = before.was_running;
  return changed;
}

}  // namespace

model::Domain adjusted(const model::Domain& domain, const model::Adjustments& wanted,
                       const std::string& name) {
  if (wanted.empty()) {
    return domain;
  }
  const std::string origin = "the source's description";
  const XmlDoc document = parse_xml(domain.xml, origin);
  xmlNode& root = *xmlDocGetRootElement(document.get());
  if (wanted.xen_type == model::XenType::pvh) {
    make_pvh(root, domain.kind, domain.arch, domain.name);
  } else if (wanted.xen_type == model::XenType::hvm) {
    make_hvm(root, domain.kind, domain.arch, domain.name);
  }
  if (wanted.memory) {
    adjust_memory(root, *wanted.memory);
  }
  if (wanted.vcpus) {
    adjust_vcpus(root, *wanted.vcpus);
  }
  std::size_t index = 0;
  xmlNode* const devices = first(root, "devices");
  for (xmlNode* node = devices == nullptr ? nullptr : devices->children; node != nullptr;
       node = node->next) {
    if (is_element(*node, "interface")) {
      adjust_interface(*node, wanted, name, index++);
    }
  }
  return with_places_of(read_domain_xml(to_pretty_text(*document), origin), domain);
}

std::string with_provenance(const std::string& text, const Provenance& provenance) {
  const XmlDoc document = parse_xml(text, "the new description");
  xmlNode& root = *xmlDocGetRootElement(document.get());
  xmlNode* metadata = first(root, "metadata");
  if (metadata == nullptr) {
    metadata = &add(root, "metadata");
    xmlNode* place = first(root, "uuid");
    place = place == nullptr ? first(root, "name") : place;
    if (place != nullptr) {
      xmlUnlinkNode(metadata);
      xmlAddNextSibling(place, metadata);
    }
  }
  for (xmlNode* node = metadata->children; node != nullptr;) {
    xmlNode* const next = node->next;
    if (node->ns != nullptr && node->ns->href != nullptr &&
        xmlStrEqual(node->ns->href, xml(k_provenance_namespace)) != 0) {
      remove(node);
    }
    node = next;
  }
  xmlNode& note = add(*metadata, "job");
  xmlNs* const space = xmlNewNs(&note, xml(k_provenance_namespace), xml("vmconvert"));
  if (space == nullptr) {
    throw std::bad_alloc();
  }
  xmlSetNs(&note, space);
  set_attribute(note, "id", provenance.job);
  set_attribute(note, "source", provenance.source);
  set_attribute(note, "time", provenance.time);
  set_attribute(note, "version", provenance.version);
  return to_pretty_text(*document);
}

}  // namespace vmconvert::domain
