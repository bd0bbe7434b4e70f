#include "domain/xl_disks.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "domain/nodes.hpp"
#include "domain/read.hpp"
#include "domain/values.hpp"

namespace vmconvert::domain {
namespace {

bool is_block_device(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) == 0) {
    return S_ISBLK(status.st_mode);
  }
  return path.starts_with("/dev/");
}

const char* bus_of(const std::string& target) {
  if (target.starts_with("hd")) {
    return "ide";
  }
  if (target.starts_with("fd")) {
    return "fdc";
  }
  return target.starts_with("sd") ? "scsi" : "xen";
}

const char* format_of(const XlFile::Disk& disk, const std::string& origin) {
  if (disk.format == LIBXL_DISK_FORMAT_RAW || disk.format == LIBXL_DISK_FORMAT_EMPTY) {
    return "raw";
  }
  if (disk.format == LIBXL_DISK_FORMAT_QCOW2) {
    return "qcow2";
  }
  throw Error(
      ErrorKind::unsupported,
      fmt::format("{}: disk {} ({}): the format {} is neither raw nor qcow2", origin, disk.target,
                  in_quotes(disk.spec), libxl_disk_format_to_string(disk.format)),
      fmt::format("turn it into a raw or qcow2 image with qemu-img convert, and change the "
                  "line of {} in a copy of the configuration",
                  disk.target));
}

// xl runs a program, or asks another domain, to make such a disk appear.
void check_reachable(const XlFile::Disk& disk, const std::string& origin) {
  const std::string by = !disk.script.empty() ? "the script " + disk.script
                         : !disk.backend_domain.empty() && disk.backend_domain != "0" &&
                                 disk.backend_domain != "Domain-0"
                             ? "the domain " + disk.backend_domain
                             : "";
  if (!by.empty()) {
    throw Error(ErrorKind::unsupported,
                fmt::format("{}: disk {} ({}) is served by {}", origin, disk.target,
                            in_quotes(disk.spec), by),
                "make it reachable as a block device of this host, and name that in a copy of the "
                "configuration");
  }
}

void add_disk(xmlNode& devices, XlFile::Disk disk, const std::string& origin) {
  // Both as Xen's own block script has it: "phy:vg/lv" is /dev/vg/lv, "/dev/xvda" is xvda.
  if (disk.spec.starts_with("phy:") && !disk.path.empty() && disk.path.front() != '/') {
    disk.path.insert(0, "/dev/");
  }
  if (disk.target.starts_with("/dev/")) {
    disk.target.erase(0, std::string_view("/dev/").size());
  }
  const bool floppy = disk.target.starts_with("fd");
  const char* const format = format_of(disk, origin);
  if (!disk.cdrom) {
    check_reachable(disk, origin);
  }
  const bool empty = disk.path.empty() || disk.format == LIBXL_DISK_FORMAT_EMPTY;
  const bool block = !empty && is_block_device(disk.path);
  const char* const device = disk.cdrom ? "cdrom" : floppy ? "floppy" : "disk";
  xmlNode& node = add(devices, "disk", {{"type", block ? "block" : "file"}, {"device", device}});
  const bool phy = block && disk.format == LIBXL_DISK_FORMAT_RAW && !disk.cdrom;
  add(node, "driver", {{"name", phy ? "phy" : "qemu"}, {"type", format}});
  if (!empty) {
    add(node, "source", {{block ? "dev" : "file", disk.path}});
  }
  add(node, "target", {{"dev", disk.target}, {"bus", bus_of(disk.target)}});
  if (disk.readonly || disk.cdrom) {
    add(node, "readonly");
  }
}

}  // namespace

void add_disks(xmlNode& devices, const XlFile& config) {
  for (const std::string& spec : config.list("disk", k_device_limit)) {
    add_disk(devices, config.parse_disk(spec), config.origin());
  }
}

}  // namespace vmconvert::domain
