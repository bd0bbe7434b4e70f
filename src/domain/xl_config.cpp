#include "domain/xl_config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <new>

#include "base/error.hpp"
#include "base/text.hpp"
#include "domain/nodes.hpp"
#include "domain/os_type.hpp"
#include "domain/values.hpp"
#include "domain/xl_disks.hpp"
#include "domain/xl_file.hpp"
#include "domain/xl_nics.hpp"
#include "domain/xl_screens.hpp"
#include "domain/xml.hpp"
#include "model/domain.hpp"

namespace vmconvert::domain {
namespace {

using model::VirtKind;

constexpr const char* k_ovmf = "/usr/lib/xen/boot/ovmf.bin";

[[noreturn]] void wrong(const XlFile& config, const std::string& what, const std::string& remedy) {
  throw Error(ErrorKind::bad_input, fmt::format("{}: {}", config.origin(), what), remedy);
}

// `type` is newer than `builder`; without either it is PV.
VirtKind kind_of(const XlFile& config) {
  const std::string type = config.text("type").value_or(config.text("builder").value_or("pv"));
  if (type == "hvm") {
    return VirtKind::hvm;
  }
  if (type == "pvh") {
    return VirtKind::pvh;
  }
  if (type == "pv" || type == "generic" || type == "linux") {
    return VirtKind::pv;
  }
  wrong(config, fmt::format("the type {} is not known", in_quotes(type)), "write pv, pvh or hvm");
}

void add_memory(xmlNode& root, const XlFile& config) {
  const auto current = config.number("memory");
  const auto most = config.number("maxmem");
  constexpr long k_limit = 1L << 30U;  // MiB: a pebibyte
  const long now = current.value_or(most.value_or(0));
  const long top = std::max(now, most.value_or(now));
  if (now <= 0 || top > k_limit) {
    wrong(config, "memory is missing, or not an amount in MiB", "write memory = 1024");
  }
  add(root, "memory", {{"unit", "KiB"}}, std::to_string(top * 1024));
  add(root, "currentMemory", {{"unit", "KiB"}}, std::to_string(now * 1024));
}

void add_vcpus(xmlNode& root, const XlFile& config) {
  const long now = config.number("vcpus").value_or(1);
  const long most = std::max(now, config.number("maxvcpus").value_or(now));
  constexpr long k_limit = 4096;
  if (now < 1 || most > k_limit) {
    wrong(config, fmt::format("{} virtual CPUs are not between 1 and {}", now, k_limit),
          "write vcpus = 1");
  }
  xmlNode& vcpu = add(root, "vcpu", {{"placement", "static"}}, std::to_string(most));
  if (most != now) {
    set_attribute(vcpu, "current", std::to_string(now));
  }
  const auto cpus = config.list("cpus", k_limit);
  const bool plain = cpus.size() == 1 && !cpus[0].empty() &&
                     cpus[0].find_first_not_of("0123456789,-^") == std::string::npos;
  if (plain) {
    set_attribute(vcpu, "cpuset", cpus[0]);
  }
}

// As xl has it: cmdline alone, or else root and extra.
std::string kernel_arguments(const XlFile& config) {
  if (const auto cmdline = config.text("cmdline")) {
    return *cmdline;
  }
  std::vector<std::string> parts;
  if (const auto root = config.text("root"); root && !root->empty()) {
    parts.push_back("root=" + *root);
  }
  if (const auto extra = config.text("extra"); extra && !extra->empty()) {
    parts.push_back(*extra);
  }
  return join(parts, " ");
}

void add_direct_boot(xmlNode& os, const XlFile& config) {
  const std::string kernel = config.text("kernel").value_or("");
  // Old HVM configurations name Xen's own firmware here.
  if (kernel.empty() || kernel.ends_with("hvmloader")) {
    return;
  }
  add(os, "kernel", {}, kernel);
  if (const auto ramdisk = config.text("ramdisk"); ramdisk && !ramdisk->empty()) {
    add(os, "initrd", {}, *ramdisk);
  }
  if (const std::string cmdline = kernel_arguments(config); !cmdline.empty()) {
    add(os, "cmdline", {}, cmdline);
  }
}

void add_hvm_boot(xmlNode& os, const XlFile& config) {
  const std::string firmware = config.text("bios").value_or(config.text("firmware").value_or(""));
  if (firmware == "ovmf" || firmware == "uefi") {
    add(os, "loader", {{"readonly", "yes"}, {"type", "pflash"}}, k_ovmf);
  } else {
    add(os, "loader", {{"type", "rom"}}, k_hvmloader);
  }
  add_direct_boot(os, config);
  const std::string order = config.text("boot").value_or("c");
  constexpr std::string_view k_letters = "acdn";
  constexpr const char* k_devices[] = {"fd", "hd", "cdrom", "network"};
  std::string seen;
  for (const char letter : order) {
    const auto at = k_letters.find(letter);
    if (at == std::string_view::npos || seen.find(letter) != std::string::npos) {
      continue;
    }
    seen += letter;
    add(os, "boot", {{"dev", k_devices[at]}});
  }
}

void add_os(xmlNode& root, const XlFile& config, VirtKind kind) {
  const std::string bootloader = config.text("bootloader").value_or("");
  if (kind != VirtKind::hvm && !bootloader.empty()) {
    add(root, "bootloader", {}, bootloader);
    constexpr std::size_t k_most = 64;
    auto arguments = config.list("bootloader_args", k_most);
    if (arguments.empty()) {
      arguments = config.list("bootargs", k_most);
    }
    if (const std::string text = join(arguments, " "); !trim(text).empty()) {
      add(root, "bootloader_args", {}, text);
    }
  }
  xmlNode& os = add(root, "os");
  switch (kind) {
    case VirtKind::pv:
      add(os, "type", {{"arch", "x86_64"}, {"machine", "xenpv"}}, "linux");
      add_direct_boot(os, config);
      break;
    case VirtKind::pvh:
      add(os, "type", {{"arch", "x86_64"}, {"machine", "xenpvh"}}, "xenpvh");
      add_direct_boot(os, config);
      break;
    case VirtKind::hvm:
      add(os, "type", {{"arch", "x86_64"}, {"machine", "xenfv"}}, "hvm");
      add_hvm_boot(os, config);
      break;
  }
}

void add_features(xmlNode& root, const XlFile& config) {
  xmlNode& features = add(root, "features");
  for (const char* name : {"acpi", "apic", "pae"}) {
    if (config.flag(name, true)) {
      add(features, name);
    }
  }
  if (!config.flag("hap", true)) {
    add(features, "hap", {{"state", "off"}});
  }
  // A number, or (newer) a list of enlightenments.
  const auto viridian = config.list("viridian", 64);
  if (!viridian.empty() && viridian[0] != "0" && viridian[0] != "none") {
    add(features, "viridian");
  }
}

void add_clock(xmlNode& root, const XlFile& config, VirtKind kind) {
  const char* const zone = config.flag("localtime", false) ? "localtime" : "utc";
  if (kind == VirtKind::hvm) {
    const long seconds = config.number("rtc_timeoffset").value_or(0);
    add(root, "clock",
        {{"offset", "variable"}, {"adjustment", std::to_string(seconds)}, {"basis", zone}});
  } else {
    add(root, "clock", {{"offset", zone}, {"adjustment", "reset"}});
  }
}

void add_lifecycle(xmlNode& root, const XlFile& config) {
  struct Event {
    const char* key;
    const char* when_absent;
  };
  for (const Event& event : {Event{"on_poweroff", "destroy"}, Event{"on_reboot", "restart"},
                             Event{"on_crash", "restart"}}) {
    const std::string action =
        replace_all(config.text(event.key).value_or(event.when_absent), "_", "-");
    constexpr const char* k_known[] = {"destroy",        "restart",          "preserve",
                                       "rename-restart", "coredump-destroy", "coredump-restart"};
    if (std::find(std::begin(k_known), std::end(k_known), action) == std::end(k_known)) {
      wrong(config, fmt::format("{} = {} is not known", event.key, in_quotes(action)),
            "write destroy, restart or preserve");
    }
    add(root, event.key, {}, action);
  }
}

void add_consoles(xmlNode& devices, const XlFile& config, bool hvm) {
  if (!hvm) {
    add(add(devices, "console", {{"type", "pty"}}), "target", {{"type", "xen"}, {"port", "0"}});
    return;
  }
  const auto serials = config.list("serial", 16);
  if (std::find(serials.begin(), serials.end(), "pty") != serials.end()) {
    add(add(devices, "serial", {{"type", "pty"}}), "target", {{"port", "0"}});
    add(add(devices, "console", {{"type", "pty"}}), "target", {{"type", "serial"}, {"port", "0"}});
  }
  for (const std::string& device : config.list("usbdevice", 16)) {
    if (device == "tablet" || device == "mouse") {
      add(devices, "input", {{"type", device}, {"bus", "usb"}});
    }
  }
}

}  // namespace

std::string xl_config_to_xml(std::string_view text, const std::string& origin) {
  const XlFile config(text, origin);
  const VirtKind kind = kind_of(config);
  const bool hvm = kind == VirtKind::hvm;
  XmlDoc document(xmlNewDoc(reinterpret_cast<const xmlChar*>("1.0")));
  xmlNode* const root = document
                            ? xmlNewDocNode(document.get(), nullptr,
                                            reinterpret_cast<const xmlChar*>("domain"), nullptr)
                            : nullptr;
  if (root == nullptr) {
    throw std::bad_alloc();
  }
  xmlDocSetRootElement(document.get(), root);
  set_attribute(*root, "type", "xen");
  const std::string name = config.text("name").value_or("");
  check_domain_name(name, origin);
  add(*root, "name", {}, name);
  if (const auto uuid = config.text("uuid")) {
    add(*root, "uuid", {}, normalised_uuid(*uuid, origin));
  }
  add_memory(*root, config);
  add_vcpus(*root, config);
  add_os(*root, config, kind);
  if (hvm) {
    add_features(*root, config);
  }
  add_clock(*root, config, kind);
  add_lifecycle(*root, config);
  xmlNode& devices = add(*root, "devices");
  add_disks(devices, config);
  add_nics(devices, config);
  add_consoles(devices, config, hvm);
  add_screens(devices, config, hvm);
  return to_pretty_text(*document);
}

}  // namespace vmconvert::domain
