#include "domain/read.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "domain/nodes.hpp"
#include "domain/read_disks.hpp"
#include "domain/values.hpp"
#include "domain/xml.hpp"

namespace vmconvert::domain {
namespace {

using model::DirectBoot;
using model::DomainNic;
using model::VirtKind;

VirtKind read_kind(const xmlNode& root, const std::string& origin) {
  const xmlNode* const type = path(root, {"os", "type"});
  const std::string os = text_of(type);
  if (os == "xenpvh" || attribute_or(type, "machine", "") == "xenpvh") {
    return VirtKind::pvh;
  }
  if (os == "hvm") {
    return VirtKind::hvm;
  }
  // libvirt's oldest descriptions of Xen guests say nothing but <bootloader>.
  const bool xen = attribute_or(&root, "type", "") == "xen";
  if (os == "linux" || os == "xen" || (os.empty() && xen)) {
    return VirtKind::pv;
  }
  throw Error(ErrorKind::unsupported,
              fmt::format("{}: guests of the type {} are no virtual machines that we know", origin,
                          in_quotes(os)),
              "vmconvert converts Xen PV, PVH and HVM guests");
}

std::string read_arch(const xmlNode& root) {
  const std::string arch = attribute_or(path(root, {"os", "type"}), "arch", "x86_64");
  return arch == "i386" || arch == "i586" || arch == "x86_32" ? "i686" : arch;
}

ByteCount read_memory(const xmlNode& root, const std::string& origin) {
  const xmlNode* const memory = child(root, "memory");
  const ByteCount bytes = to_bytes(text_of(memory), attribute_or(memory, "unit", "KiB"), origin);
  if (bytes.value == 0) {
    throw Error(ErrorKind::bad_input, fmt::format("{}: the guest has no memory", origin),
                "write it as <memory unit='MiB'>1024</memory>");
  }
  return bytes;
}

unsigned read_vcpus(const xmlNode& root, const std::string& origin) {
  const xmlNode* const vcpu = child(root, "vcpu");
  if (vcpu == nullptr) {
    return 1;
  }
  constexpr unsigned k_most = 4096;
  const std::string text = text_of(vcpu);
  const auto count = parse_number(text);
  if (!count || *count == 0 || *count > k_most) {
    throw Error(ErrorKind::bad_input,
                fmt::format("{}: {} is not a number of virtual CPUs", origin, in_quotes(text)),
                fmt::format("write a number from 1 to {} into <vcpu>", k_most));
  }
  return static_cast<unsigned>(*count);
}

std::optional<std::string> read_bootloader(const xmlNode& root) {
  const xmlNode* const bootloader = child(root, "bootloader");
  if (bootloader == nullptr) {
    return std::nullopt;
  }
  const std::string program = text_of(bootloader);
  return program.empty() ? "pygrub" : program;  // an empty one means the host's default
}

std::optional<DirectBoot> read_direct_boot(const xmlNode& root, const std::string& origin) {
  const xmlNode* const os = child(root, "os");
  if (os == nullptr) {
    return std::nullopt;
  }
  const std::string kernel = text_of(child(*os, "kernel"));
  if (kernel.empty()) {
    return std::nullopt;
  }
  check_path(kernel, "kernel", origin);
  DirectBoot boot{kernel, text_of(child(*os, "initrd")), text_of(child(*os, "cmdline"))};
  if (!boot.initrd.empty()) {
    check_path(boot.initrd.native(), "initrd", origin);
  }
  return boot;
}

bool read_uefi(const xmlNode& root) {
  return attribute_or(child(root, "os"), "firmware", "") == "efi" ||
         attribute_or(path(root, {"os", "loader"}), "type", "") == "pflash";
}

std::vector<DomainNic> read_nics(const xmlNode* devices, const std::string& origin) {
  std::vector<DomainNic> nics;
  if (devices == nullptr) {
    return nics;
  }
  const auto elements = children(*devices, "interface");
  if (elements.size() > k_device_limit) {
    throw Error(ErrorKind::bad_input,
                fmt::format("{}: {} network interfaces are more than the limit of {}", origin,
                            elements.size(), k_device_limit),
                "remove some from a copy of the description, and give that");
  }
  for (const xmlNode* element : elements) {
    DomainNic nic;
    if (const auto mac = attribute(child(*element, "mac"), "address")) {
      nic.mac = normalised_mac(*mac, origin);
    }
    const xmlNode* const source = child(*element, "source");
    for (const char* name : {"bridge", "dev", "network"}) {
      nic.bridge = attribute_or(source, name, nic.bridge);
    }
    nic.model = printable(attribute_or(child(*element, "model"), "type", "")).substr(0, 40);
    nics.push_back(std::move(nic));
  }
  return nics;
}

}  // namespace

model::Domain read_domain_xml(std::string_view xml, const std::string& origin) {
  const XmlDoc document = parse_xml(xml, origin);
  const xmlNode& root = *xmlDocGetRootElement(document.get());
  if (!is_element(root, "domain")) {
    throw Error(ErrorKind::bad_input,
                fmt::format("{}: it begins with {}: not a libvirt domain description", origin,
                            in_quotes(reinterpret_cast<const char*>(root.name))),
                "give what virsh dumpxml prints, or an xl configuration with a name that ends in "
                ".cfg");
  }
  model::Domain domain;
  domain.name = text_of(child(root, "name"));
  check_domain_name(domain.name, origin);
  const std::string uuid = text_of(child(root, "uuid"));
  domain.uuid = uuid.empty() ? "" : normalised_uuid(uuid, origin);
  domain.kind = read_kind(root, origin);
  domain.arch = read_arch(root);
  domain.memory = read_memory(root, origin);
  domain.vcpus = read_vcpus(root, origin);
  domain.bootloader = read_bootloader(root);
  domain.direct_boot = read_direct_boot(root, origin);
  const std::string id = attribute_or(&root, "id", "-1");
  domain.was_running = !id.empty() && id != "-1";
  domain.uefi = read_uefi(root);
  const xmlNode* const devices = child(root, "devices");
  domain.disks = read_disks(devices, origin);
  domain.nics = read_nics(devices, origin);
  domain.xml = std::string(xml);
  return domain;
}

}  // namespace vmconvert::domain
