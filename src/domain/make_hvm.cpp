// By libvirt's libxl driver and xl.cfg(5). Kernel, ramdisk and their arguments leave with the
// bootloader: with them an HVM guest would not start its disk.
#include "domain/make_hvm.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "domain/nodes.hpp"
#include "domain/os_type.hpp"

namespace vmconvert::domain {
namespace {

void set_firmware(xmlNode& root, const std::string& arch) {
  drop(own_child(root, "bootloader"));
  drop(own_child(root, "bootloader_args"));
  xmlNode& os = set_os_type(root, arch, "xenfv", "hvm");
  for (xmlNode* node = os.children; node != nullptr;) {
    xmlNode* const next = node->next;
    if (!is_element(*node, "type")) {
      drop(node);
    }
    node = next;
  }
  add(os, "loader", {{"type", "rom"}}, k_hvmloader);
  add(os, "boot", {{"dev", "hd"}});
}

// An emulated PC's; <xen> is about a PV guest's memory map and permissions.
void set_features(xmlNode& root) {
  xmlNode& features = part_of_domain(root, "features");
  drop(own_child(features, "xen"));
  for (const char* name : {"acpi", "apic", "pae"}) {
    if (child(features, name) == nullptr) {
      add(features, name);
    }
  }
}

// A PV guest asks Xen for the time. An HVM guest reads a clock chip, which xl lets run on.
void set_clock(xmlNode& root) {
  xmlNode& clock = part_of_domain(root, "clock");
  const std::string offset = attribute_or(&clock, "offset", "utc");
  if (offset == "utc" || offset == "localtime") {
    set_attribute(clock, "offset", "variable");
    set_attribute(clock, "adjustment", "0");
    set_attribute(clock, "basis", offset);
  }
}

bool is_removable_drive(const xmlNode& device) {
  const std::string kind = attribute_or(&device, "device", "disk");
  return is_element(device, "disk") && (kind == "cdrom" || kind == "floppy");
}

// Xen's keyboard, mouse, screen and console are a PV guest's; the PC has its own.
bool is_of_pv_alone(const xmlNode& device) {
  return is_removable_drive(device) || is_element(device, "console") ||
         is_element(device, "video") ||
         (is_element(device, "input") && attribute_or(&device, "bus", "") == "xen");
}

// "xl console" and "virsh console" show an HVM guest's first serial port.
void add_serial_console(xmlNode& devices) {
  if (child(devices, "serial") == nullptr) {
    add(add(devices, "serial", {{"type", "pty"}}), "target", {{"port", "0"}});
  }
  add(add(devices, "console", {{"type", "pty"}}), "target", {{"type", "serial"}, {"port", "0"}});
}

void set_devices(xmlNode& devices) {
  for (xmlNode* node = devices.children; node != nullptr;) {
    xmlNode* const next = node->next;
    if (is_of_pv_alone(*node)) {
      drop(node);
    } else if (node->type == XML_ELEMENT_NODE) {
      drop(own_child(*node, "boot"));  // <os> says what boots
    }
    node = next;
  }
  add_serial_console(devices);
  if (child(devices, "graphics") != nullptr) {
    add(add(devices, "video"), "model", {{"type", "vga"}, {"vram", "16384"}});
  }
}

}  // namespace

void make_hvm(xmlNode& root, model::VirtKind was, const std::string& arch,
              const std::string& origin) {
  if (was == model::VirtKind::hvm) {
    return;
  }
  if (arch != "x86_64" && arch != "i686") {
    throw Error(ErrorKind::unsupported,
                fmt::format("{}: an HVM guest is a PC, and this one's processor is {}", origin,
                            printable(arch)),
                "leave type = \"hvm\" out");
  }
  set_firmware(root, arch);
  set_features(root);
  set_clock(root);
  set_devices(part_of_domain(root, "devices"));
}

std::vector<model::SpecialDevice> left_by_hvm(const model::Domain& domain) {
  std::vector<model::SpecialDevice> left;
  for (const model::DomainDisk& disk : domain.disks) {
    if (domain.kind != model::VirtKind::hvm && disk.device != model::DiskDevice::disk) {
      left.push_back({"drive", disk.target});
    }
  }
  return left;
}

}  // namespace vmconvert::domain
