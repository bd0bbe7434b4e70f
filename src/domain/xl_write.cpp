#include "domain/xl_write.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/text.hpp"
#include "domain/nodes.hpp"
#include "domain/read.hpp"
#include "domain/values.hpp"
#include "domain/xl_config.hpp"
#include "domain/xml.hpp"
#include "model/domain.hpp"

namespace vmconvert::domain {
namespace {

using model::VirtKind;

// As libxlutil reads it: between quotes, with the escapes of C.
std::string xl_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
      continue;
    }
    if (c == '"' || c == '\\') {
      out += '\\';
    }
    out += c;
  }
  return out + "\"";
}

[[noreturn]] void no_word(const std::string& origin, const std::string& what,
                          const std::string& remedy) {
  throw Error(ErrorKind::unsupported, fmt::format("{}: {}: xl has no word for that", origin, what),
              remedy);
}

class Config {
 public:
  void text(const char* key, const std::string& value) {
    if (!value.empty()) {
      m_text += fmt::format("{} = {}\n", key, xl_string(value));
    }
  }
  void number(const char* key, std::uint64_t value) {
    m_text += fmt::format("{} = {}\n", key, value);
  }
  void list(const char* key, const std::vector<std::string>& values) {
    if (values.empty()) {
      return;
    }
    m_text += fmt::format("{} = [\n", key);
    for (const std::string& value : values) {
      m_text += fmt::format("  {},\n", xl_string(value));
    }
    m_text += "]\n";
  }
  [[nodiscard]] const std::string& all() const { return m_text; }

 private:
  std::string m_text;
};

void write_size(Config& config, const xmlNode& root, const model::Domain& domain,
                const std::string& origin) {
  const xmlNode* const current = child(root, "currentMemory");
  const ByteCount now =
      current == nullptr ? domain.memory
                         : to_bytes(text_of(current), attribute_or(current, "unit", "KiB"), origin);
  config.number("memory", std::max<std::uint64_t>(1, now.value / k_mib));
  if (now < domain.memory) {
    config.number("maxmem", domain.memory.value / k_mib);
  }
  const std::string vcpus = attribute_or(child(root, "vcpu"), "current", "");
  config.number("vcpus", parse_number(vcpus).value_or(domain.vcpus));
  if (!vcpus.empty()) {
    config.number("maxvcpus", domain.vcpus);
  }
}

std::string boot_letters(const xmlNode& root) {
  std::string letters;
  const xmlNode* const os = child(root, "os");
  for (const xmlNode* boot : children(*os, "boot")) {
    const std::string device = attribute_or(boot, "dev", "");
    letters += device == "hd"        ? "c"
               : device == "cdrom"   ? "d"
               : device == "network" ? "n"
               : device == "fd"      ? "a"
                                     : "";
  }
  return letters;
}

void write_boot(Config& config, const xmlNode& root, const model::Domain& domain) {
  if (domain.direct_boot) {
    config.text("kernel", domain.direct_boot->kernel.native());
    config.text("ramdisk", domain.direct_boot->initrd.native());
    config.text("cmdline", domain.direct_boot->cmdline);
  }
  if (domain.kind == VirtKind::hvm) {
    if (domain.uefi) {
      config.text("bios", "ovmf");
    }
    config.text("boot", boot_letters(root));
    return;
  }
  config.text("bootloader", domain.bootloader.value_or(""));
  config.list("bootloader_args", words(text_of(child(root, "bootloader_args"))));
}

void write_features(Config& config, const xmlNode& root) {
  const xmlNode* const features = child(root, "features");
  for (const char* name : {"acpi", "apic", "pae"}) {
    config.number(name, features != nullptr && child(*features, name) != nullptr ? 1 : 0);
  }
  if (features != nullptr && child(*features, "viridian") != nullptr) {
    config.number("viridian", 1);
  }
  if (features != nullptr && attribute_or(child(*features, "hap"), "state", "on") == "off") {
    config.number("hap", 0);
  }
}

void write_clock(Config& config, const xmlNode& root) {
  const xmlNode* const clock = child(root, "clock");
  const std::string offset = attribute_or(clock, "offset", "utc");
  if (offset == "localtime" || attribute_or(clock, "basis", "") == "localtime") {
    config.number("localtime", 1);
  }
  const auto seconds = parse_number(attribute_or(clock, "adjustment", ""));
  if (offset == "variable" && seconds && *seconds > 0) {
    config.number("rtc_timeoffset", *seconds);
  }
}

void write_lifecycle(Config& config, const xmlNode& root) {
  for (const char* event : {"on_poweroff", "on_reboot", "on_crash"}) {
    config.text(event, text_of(child(root, event)));
  }
}

// "target=" comes last: it may hold any character (xl-disk-configuration(5)).
std::string disk_words(const model::DomainDisk& disk) {
  std::string text = fmt::format("format={}, vdev={}", model::to_string(disk.format), disk.target);
  text += disk.readonly || disk.device == model::DiskDevice::cdrom ? ", access=ro" : ", access=rw";
  if (disk.device == model::DiskDevice::cdrom) {
    text += ", devtype=cdrom";
  }
  return disk.source.empty() ? text : text + ", target=" + disk.source.native();
}

std::string bridge_words(const xmlNode& card, const std::string& origin) {
  const std::string type = attribute_or(&card, "type", "");
  const xmlNode* const source = child(card, "source");
  const std::string script = attribute_or(child(card, "script"), "path", "");
  std::string bridge = attribute_or(source, "bridge", "");
  const xmlNode* const port = child(card, "virtualport");
  if (type == "bridge" && attribute_or(port, "type", "") == "openvswitch") {
    std::string tags;
    if (const xmlNode* const vlan = child(card, "vlan")) {
      const bool trunk = attribute_or(vlan, "trunk", "no") == "yes";
      for (const xmlNode* tag : children(*vlan, "tag")) {
        tags += (trunk || !tags.empty() ? ":" : ".") + attribute_or(tag, "id", "");
      }
    }
    return fmt::format("bridge={}{},script=vif-openvswitch", bridge, tags);
  }
  if (type == "bridge") {
    return fmt::format("bridge={}{}", bridge, script.empty() ? "" : ",script=" + script);
  }
  if (type == "ethernet") {
    return "script=" + (script.empty() ? "vif-route" : script);
  }
  no_word(origin,
          fmt::format("a card on the {} {}", printable(type),
                      in_quotes(attribute_or(source, type.c_str(), ""))),
          "put it on a bridge of the new host: a blueprint's bridges, or resume JOB --redo define "
          "--bridge OLD=NEW");
}

std::string card_words(const xmlNode& card, const model::DomainNic& nic, bool hvm,
                       const std::string& origin) {
  std::string text = nic.mac.empty() ? "" : fmt::format("mac={},", nic.mac);
  text += bridge_words(card, origin);
  if (hvm && !nic.model.empty()) {
    text += nic.model == "netfront" ? ",type=netfront" : ",model=" + nic.model;
  }
  std::vector<std::string> addresses;
  for (const xmlNode* ip : children(card, "ip")) {
    addresses.push_back(attribute_or(ip, "address", ""));
  }
  if (!addresses.empty()) {
    text += ",ip=" + join(addresses, " ");
  }
  const std::string rate = attribute_or(path(card, {"bandwidth", "outbound"}), "average", "");
  return parse_number(rate) ? text + fmt::format(",rate={}KB/s", rate) : text;
}

// A comma or a line's end would be read as the next word, or the next line.
void check_word(const std::string& word, const std::string& what, const std::string& origin) {
  if (word.find_first_of(",\r\n") != std::string::npos) {
    no_word(origin, fmt::format("{} {}", what, in_quotes(word)), "give it a name without that");
  }
}

void write_devices(Config& config, const xmlNode& devices, const model::Domain& domain,
                   const std::string& origin) {
  std::vector<std::string> disks;
  for (const model::DomainDisk& disk : domain.disks) {
    check_word(disk.target, "the disk", origin);
    disks.push_back(disk_words(disk));
  }
  config.list("disk", disks);
  const auto cards = children(devices, "interface");
  std::vector<std::string> vifs;
  for (std::size_t i = 0; i < std::min(cards.size(), domain.nics.size()); ++i) {
    check_word(domain.nics[i].bridge, "the bridge", origin);
    check_word(attribute_or(child(*cards[i], "script"), "path", ""), "the script", origin);
    check_word(domain.nics[i].model, "the card", origin);
    vifs.push_back(card_words(*cards[i], domain.nics[i], domain.kind == VirtKind::hvm, origin));
  }
  config.list("vif", vifs);
}

void write_vnc(Config& config, const xmlNode& screen, bool hvm) {
  const auto port = parse_number(attribute_or(&screen, "port", ""));
  const bool fixed =
      attribute_or(&screen, "autoport", "no") != "yes" && port && *port >= 5900 && *port < 65536;
  const std::vector<std::pair<const char*, std::string>> words = {
      {"vnclisten",
       attribute_or(&screen, "listen", attribute_or(child(screen, "listen"), "address", ""))},
      {"vncpasswd", attribute_or(&screen, "passwd", "")},
      {"keymap", attribute_or(&screen, "keymap", "")}};
  if (hvm) {
    config.number("vnc", 1);
    config.number("vncunused", fixed ? 0 : 1);
    if (fixed) {
      config.number("vncdisplay", *port - 5900);
    }
    for (const auto& [key, value] : words) {
      config.text(key, value);
    }
    return;
  }
  std::string line = fixed ? fmt::format("type=vnc,vncunused=0,vncdisplay={}", *port - 5900)
                           : std::string("type=vnc,vncunused=1");
  for (const auto& [key, value] : words) {
    line += value.empty() ? "" : fmt::format(",{}={}", key, value);
  }
  config.list("vfb", {line});
}

void write_screens(Config& config, const xmlNode& devices, bool hvm) {
  bool vnc = false;
  for (const xmlNode* screen : children(devices, "graphics")) {
    if (attribute_or(screen, "type", "") == "vnc" && !vnc) {
      vnc = true;
      write_vnc(config, *screen, hvm);
    }
  }
  if (!hvm) {
    return;
  }
  if (!vnc) {
    config.number("vnc", 0);  // xl opens one where nothing is said
  }
  const std::string model = attribute_or(path(devices, {"video", "model"}), "type", "");
  config.text("vga", model == "vga" ? "stdvga" : model);
  if (!children(devices, "serial").empty()) {
    config.text("serial", "pty");
  }
  for (const xmlNode* input : children(devices, "input")) {
    if (attribute_or(input, "bus", "") == "usb") {
      config.number("usb", 1);
      config.text("usbdevice", attribute_or(input, "type", "tablet"));
      break;
    }
  }
}

// What xl would start must be what the description told of.
void check_same(const std::string& config, const model::Domain& wanted, const std::string& origin) {
  const model::Domain got =
      read_domain_xml(xl_config_to_xml(config, "what was written"), "what was written");
  const auto direct = [](const model::Domain& domain) {
    const model::DirectBoot boot = domain.direct_boot.value_or(model::DirectBoot());
    return std::tuple(boot.kernel, boot.initrd, boot.cmdline);
  };
  std::string differs;
  const auto same = [&](bool equal, const char* what) {
    if (!equal && differs.empty()) {
      differs = what;
    }
  };
  same(got.name == wanted.name, "the name");
  same(got.uuid == wanted.uuid, "the UUID");
  same(got.kind == wanted.kind, "the type");
  same(got.vcpus == wanted.vcpus, "the number of processors");
  same(got.memory.value / k_mib == std::max<std::uint64_t>(1, wanted.memory.value / k_mib),
       "the memory");
  same(got.bootloader == wanted.bootloader, "the bootloader");
  same(direct(got) == direct(wanted), "kernel, ramdisk or their arguments");
  same(got.uefi == wanted.uefi, "the firmware");
  same(std::equal(got.disks.begin(), got.disks.end(), wanted.disks.begin(), wanted.disks.end(),
                  [](const model::DomainDisk& a, const model::DomainDisk& b) {
                    return a.target == b.target && a.source == b.source && a.device == b.device &&
                           a.format == b.format;
                  }),
       "a disk");
  same(std::equal(got.nics.begin(), got.nics.end(), wanted.nics.begin(), wanted.nics.end(),
                  [](const model::DomainNic& a, const model::DomainNic& b) {
                    return a.mac == b.mac && a.bridge == b.bridge;
                  }),
       "a network card");
  if (!differs.empty()) {
    no_word(origin, differs + " would be another one", "define it with libvirt: virsh define");
  }
}

}  // namespace

std::string to_xl_config(std::string_view domain_xml, const std::string& origin) {
  const model::Domain domain = read_domain_xml(domain_xml, origin);
  const XmlDoc document = parse_xml(domain_xml, origin);
  const xmlNode& root = *xmlDocGetRootElement(document.get());
  if (attribute_or(&root, "type", "") != "xen") {
    throw Error(ErrorKind::bad_input,
                fmt::format("{} is no description of a Xen guest: its type is {}", origin,
                            in_quotes(attribute_or(&root, "type", ""))),
                "convert with --to xen, and give what that wrote");
  }
  Config config;
  config.text("name", domain.name);
  config.text("uuid", domain.uuid);
  config.text("type", model::to_string(domain.kind));
  write_size(config, root, domain, origin);
  write_boot(config, root, domain);
  if (domain.kind == VirtKind::hvm) {
    write_features(config, root);
  }
  write_clock(config, root);
  write_lifecycle(config, root);
  if (const xmlNode* const devices = child(root, "devices")) {
    write_devices(config, *devices, domain, origin);
    write_screens(config, *devices, domain.kind == VirtKind::hvm);
  }
  check_same(config.all(), domain, origin);
  return config.all();
}

}  // namespace vmconvert::domain
