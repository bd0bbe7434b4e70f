#include "domain/rewrite.hpp"

#include <fmt/format.h>

#include <new>

#include "base/error.hpp"
#include "base/text.hpp"
#include "domain/nodes.hpp"
#include "domain/stylesheet.hpp"
#include "domain/values.hpp"
#include "domain/xml.hpp"

namespace vmconvert::domain {
namespace {

const char* to_string(XenBoot boot) {
  switch (boot) {
    case XenBoot::keep: return "keep";
    case XenBoot::pygrub: return "pygrub";
    case XenBoot::direct: return "direct";
  }
  return "?";
}

const char* yes_no(bool value) {
  return value ? "yes" : "no";
}

xmlNode* child_of(xmlNode& parent, std::string_view name) {
  for (xmlNode* node = parent.children; node != nullptr; node = node->next) {
    if (is_element(*node, name)) {
      return node;
    }
  }
  return nullptr;
}

// Before the stylesheet, so that a site's own sees nothing else. An interface without an address
// gets one, for libvirt would make up another each time.
void set_macs(xmlNode& domain, const std::vector<std::string>& macs) {
  std::size_t index = 0;
  xmlNode* const devices = child_of(domain, "devices");
  for (xmlNode* node = devices == nullptr ? nullptr : devices->children; node != nullptr;
       node = node->next) {
    if (!is_element(*node, "interface") || index >= macs.size()) {
      continue;
    }
    const std::string& mac = macs[index++];
    if (mac.empty()) {
      continue;
    }
    xmlNode* const old = child_of(*node, "mac");
    set_attribute(old == nullptr ? add(*node, "mac") : *old, "address", mac);
  }
}

// A second machine is another generation, too.
void drop_genid(xmlNode& domain) {
  if (xmlNode* const genid = child_of(domain, "genid")) {
    xmlUnlinkNode(genid);
    xmlFreeNode(genid);
  }
}

// <vmconvert><domain ...the source.../><target><disk .../>...</target></vmconvert>
XmlDoc wrap(const RewriteRequest& request) {
  const XmlDoc source = parse_xml(request.source_xml, "the source's description");
  if (!is_element(*xmlDocGetRootElement(source.get()), "domain")) {
    throw Error(ErrorKind::bad_input, "the source's description is not a <domain>");
  }
  XmlDoc wrapper(xmlNewDoc(reinterpret_cast<const xmlChar*>("1.0")));
  xmlNode* const root = wrapper
                            ? xmlNewDocNode(wrapper.get(), nullptr,
                                            reinterpret_cast<const xmlChar*>("vmconvert"), nullptr)
                            : nullptr;
  if (root == nullptr) {
    throw std::bad_alloc();
  }
  xmlDocSetRootElement(wrapper.get(), root);
  xmlNode* const copy = xmlDocCopyNode(xmlDocGetRootElement(source.get()), wrapper.get(), 1);
  if (copy == nullptr) {
    throw std::bad_alloc();
  }
  xmlAddChild(root, copy);
  set_macs(*copy, request.macs);
  if (!request.uuid.empty()) {
    drop_genid(*copy);
  }
  xmlNode& target = add(*root, "target");
  for (const RewriteDisk& disk : request.disks) {
    check_path(disk.path.native(), "disk " + disk.target, "the new guest");
    add(target, "disk",
        {{"target", disk.target},
         {"path", disk.path.native()},
         {"format", model::to_string(disk.format)},
         {"block", yes_no(disk.is_block)},
         {"readonly", yes_no(disk.readonly)},
         {"bus", disk.bus}});
  }
  return wrapper;
}

void check_result(const xmlNode& root, const RewriteRequest& request) {
  const std::string name = is_element(root, "domain") ? text_of(child(root, "name")) : "";
  if (name != trim(request.name)) {
    throw Error(ErrorKind::bad_input,
                fmt::format("the stylesheet {} made no <domain> with the name \"{}\"",
                            request.stylesheet.string(), request.name),
                "use the parameter \"name\" as templates/domain/xen-to-kvm.xsl does");
  }
}

}  // namespace

std::string rewrite_domain(const RewriteRequest& request) {
  check_domain_name(request.name, "the new guest");
  const XmlDoc input = wrap(request);
  const XmlDoc result = apply_stylesheet(
      request.stylesheet, *input,
      {{"name", request.name},
       {"uuid", request.uuid.empty() ? "" : normalised_uuid(request.uuid, "the new guest")},
       {"virt_type", request.virt_type},
       {"emulator", request.emulator},
       {"machine", request.machine},
       {"arch", request.arch},
       {"cdroms", request.keep_cdroms ? "empty" : "drop"},
       {"nic_model", request.nic_model},
       {"boot", to_string(request.boot)}});
  check_result(*xmlDocGetRootElement(result.get()), request);
  std::string text = to_pretty_text(*result);
  if (text.size() > k_xml_limit) {
    throw Error(ErrorKind::bad_input,
                fmt::format("the stylesheet {} made {} bytes, more than the limit of {}",
                            request.stylesheet.string(), text.size(), k_xml_limit),
                "try it without --template");
  }
  return text;
}

}  // namespace vmconvert::domain
