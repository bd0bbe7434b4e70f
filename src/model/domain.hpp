// A guest's libvirt description as the rest of the program needs it. Made by domain/, from domain
// XML or from an xl configuration (which domain/ first turns into domain XML).
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/units.hpp"

namespace vmconvert::model {

// Always taken from the description, never guessed from an image's content.
enum class DiskFormat { raw, qcow2 };
const char* to_string(DiskFormat format);

enum class DiskDevice { disk, cdrom, floppy };

// One <disk> of the source domain.
struct DomainDisk {
  std::string target;  // xvda, xvda1, sda, hda...
  std::string bus;     // xen, ide, scsi, virtio; may be empty
  DiskDevice device = DiskDevice::disk;
  std::filesystem::path source;  // empty: an empty drive
  DiskFormat format = DiskFormat::raw;
  bool readonly = false;
};

struct DomainNic {
  std::string mac;         // lower case; empty when the description names none
  std::string bridge;      // or the network's name; for people
  std::string model = {};  // e1000, rtl8139...; empty: the hypervisor's choice
};

enum class VirtKind { pv, hvm, pvh };
const char* to_string(VirtKind kind);

// A kernel kept in files of the host, outside the guest.
struct DirectBoot {
  std::filesystem::path kernel;
  std::filesystem::path initrd;  // may be empty
  std::string cmdline;
};

struct Domain {
  std::string name;
  std::string uuid;  // empty when the description has none
  VirtKind kind = VirtKind::pv;
  std::string arch;  // x86_64, i686
  ByteCount memory;
  unsigned vcpus = 1;
  std::optional<std::string> bootloader;  // pygrub and its like
  std::optional<DirectBoot> direct_boot;
  bool was_running = false;  // the XML carries a domain id
  bool uefi = false;
  std::vector<DomainDisk> disks;  // document order, cdroms included
  std::vector<DomainNic> nics;    // document order
  std::string xml;                // the whole description, in libvirt's form
};

}  // namespace vmconvert::model
