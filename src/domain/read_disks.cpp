#include "domain/read_disks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/error.hpp"
#include "base/text.hpp"
#include "domain/nodes.hpp"
#include "domain/read.hpp"
#include "domain/values.hpp"

namespace vmconvert::domain {
namespace {

using model::DiskDevice;
using model::DiskFormat;
using model::DomainDisk;

[[noreturn]] void unsupported(const std::string& origin, const std::string& target,
                              const std::string& why, const std::string& remedy) {
  throw Error(ErrorKind::unsupported, fmt::format("{}: disk {}: {}", origin, target, why), remedy);
}

std::string read_target(const xmlNode& disk, const std::string& origin) {
  std::string target = attribute_or(child(disk, "target"), "dev", "");
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  constexpr std::size_t k_longest = 16;
  if (target.empty() || target.size() > k_longest ||
      !std::all_of(target.begin(), target.end(), is_plain)) {
    throw Error(ErrorKind::bad_input,
                fmt::format("{}: line {}: a disk's target {} is not a device name", origin,
                            xmlGetLineNo(&disk), in_quotes(target)),
                "write it as <target dev='xvda'/>");
  }
  return target;
}

DiskDevice read_device(const xmlNode& disk, const std::string& target, const std::string& origin) {
  const std::string device = attribute_or(&disk, "device", "disk");
  if (device == "disk" || device == "lun") {
    return DiskDevice::disk;
  }
  if (device == "cdrom") {
    return DiskDevice::cdrom;
  }
  if (device == "floppy") {
    return DiskDevice::floppy;
  }
  unsupported(origin, target, fmt::format("device={} is not known", in_quotes(device)),
              "remove the disk from a copy of the description, and give that");
}

// What xend and xl called a raw file served by blktap is "aio".
DiskFormat read_format(const xmlNode& disk, const std::string& target, const std::string& origin) {
  const std::string type = attribute_or(child(disk, "driver"), "type", "raw");
  if (type == "raw" || type == "aio") {
    return DiskFormat::raw;
  }
  if (type == "qcow2") {
    return DiskFormat::qcow2;
  }
  unsupported(origin, target,
              fmt::format("the format {} is neither raw nor qcow2", in_quotes(type)),
              fmt::format("turn it into a raw or qcow2 image with qemu-img convert, and change the "
                          "format of {} in a copy of the description",
                          target));
}

std::string source_path(const xmlNode& disk, const std::string& type) {
  const char* const name = type == "file" ? "file" : type == "block" ? "dev" : "";
  return attribute_or(child(disk, "source"), name, "");
}

void read_hard_disk(const xmlNode& xml, DomainDisk& disk, const std::string& origin) {
  const std::string type = attribute_or(&xml, "type", "file");
  if (type != "file" && type != "block") {
    unsupported(origin, disk.target,
                fmt::format("its type {} is neither a file nor a block device", in_quotes(type)),
                "make it reachable as a file or block device of this host, and say so in a copy of "
                "the description");
  }
  const xmlNode* const source = child(xml, "source");
  if (child(xml, "encryption") != nullptr ||
      (source != nullptr && child(*source, "encryption") != nullptr)) {
    unsupported(origin, disk.target, "it is encrypted by the hypervisor",
                "decrypt it into a raw image with qemu-img convert first");
  }
  if (source != nullptr && child(*source, "slices") != nullptr) {
    unsupported(origin, disk.target, "only a slice of the file is the disk",
                "copy the slice into an image of its own first");
  }
  disk.format = read_format(xml, disk.target, origin);
  const std::string path = source_path(xml, type);
  if (path.empty()) {
    throw Error(ErrorKind::bad_input, fmt::format("{}: disk {} has no source", origin, disk.target),
                "name its file or block device, or remove the disk from a copy of the description");
  }
  check_path(path, "disk " + disk.target, origin);
  disk.source = path;
}

DomainDisk read_disk(const xmlNode& xml, const std::string& origin) {
  DomainDisk disk;
  disk.target = read_target(xml, origin);
  disk.bus = attribute_or(child(xml, "target"), "bus", "");
  disk.device = read_device(xml, disk.target, origin);
  disk.readonly = child(xml, "readonly") != nullptr || disk.device == DiskDevice::cdrom;
  if (disk.device == DiskDevice::disk) {
    read_hard_disk(xml, disk, origin);
    return disk;
  }
  // A drive's medium is never copied: one that we could not open is as good as none.
  const std::string path = source_path(xml, attribute_or(&xml, "type", "file"));
  if (!path.empty()) {
    check_path(path, "drive " + disk.target, origin);
    disk.source = path;
  }
  return disk;
}

}  // namespace

std::vector<DomainDisk> read_disks(const xmlNode* devices, const std::string& origin) {
  std::vector<DomainDisk> disks;
  if (devices == nullptr) {
    return disks;
  }
  const auto elements = children(*devices, "disk");
  if (elements.size() > k_device_limit) {
    throw Error(ErrorKind::bad_input,
                fmt::format("{}: {} disks are more than the limit of {}", origin, elements.size(),
                            k_device_limit),
                "remove disks from a copy of the description, and give that");
  }
  std::set<std::string> targets;
  for (const xmlNode* element : elements) {
    disks.push_back(read_disk(*element, origin));
    if (!targets.insert(disks.back().target).second) {
      throw Error(ErrorKind::bad_input,
                  fmt::format("{}: two disks have the target {}", origin, disks.back().target),
                  "give each disk a target of its own");
    }
  }
  return disks;
}

}  // namespace vmconvert::domain
