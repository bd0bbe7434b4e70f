// What will be done, in order. What `plan` prints is what `convert` carries out.
#pragma once

#include <filesystem>
#include <string>
#include <variant>
#include <vector>

#include "base/units.hpp"
#include "model/adjustments.hpp"
#include "model/domain.hpp"
#include "model/edit.hpp"
#include "model/extent.hpp"
#include "model/finding.hpp"
#include "model/guest_facts.hpp"
#include "model/layout.hpp"

namespace vmconvert::model {

enum class TargetHypervisor { kvm, xen };
const char* to_string(TargetHypervisor hypervisor);

// Where the result goes.
struct DirectoryTarget {
  std::filesystem::path folder;
  DiskFormat format = DiskFormat::raw;
};
// New logical volumes: thick ones, or thin ones in a pool of the group.
struct VolumeGroupTarget {
  std::string group;
  std::string thin_pool;  // empty: thick
};
// A storage pool of libvirt's: turns out to be one of the above.
struct PoolTarget {
  std::string pool;
  DiskFormat format = DiskFormat::raw;
};
using StorageTarget = std::variant<DirectoryTarget, VolumeGroupTarget, PoolTarget>;

// A target disk that is made.
struct CreateImage {
  std::string disk;
  std::filesystem::path path;
  DiskFormat format = DiskFormat::raw;
  ByteCount size;
};
struct CreateVolume {
  std::string disk;
  std::string group;
  std::string name;
  std::string thin_pool;  // empty: thick
  ByteCount size;         // of the disk; the volume has whole extents
  ByteCount extent_size;
};
struct CopyDisk {
  std::string disk;
  std::filesystem::path path;
  ExtentTotals totals;
};
struct VerifyDisk {
  std::string disk;
  std::filesystem::path path;
};
struct BootTrial {
  unsigned limit_seconds = 0;
};
struct WriteDomainXml {
  std::filesystem::path path;
};
struct DefineDomain {
  std::string uri;
  std::string name;
};
struct StartDomain {
  std::string uri;
  std::string name;
};
struct RunHook {
  Hook hook;
};
// So that libvirt sees the volumes that were made behind its back.
struct RefreshPool {
  std::string uri;
  std::string pool;
};
using Step = std::variant<BootTrial, CreateImage, CreateVolume, CopyDisk, VerifyDisk, RefreshPool,
                          WriteDomainXml, DefineDomain, StartDomain, RunHook>;

// One line, as people read it.
std::string describe(const Step& step);

struct PlannedDisk {
  TargetDisk layout;
  std::vector<std::string> sources;
  std::filesystem::path path;  // of the image or volume to be
  std::vector<Extent> extents;
  // What lies where on the target disk, and whether its own map of free space was used.
  std::vector<AllocationNote> allocation = {};
};

struct Plan {
  Domain source;     // with the operator's adjustments; its kind is the one that it had
  std::string name;  // of the new domain
  TargetHypervisor to = TargetHypervisor::kvm;
  VirtKind kind = VirtKind::pv;  // of the new domain, where it is a Xen guest
  Layout layout;
  GuestFacts guest;
  Edits edits;
  Findings findings;
  std::vector<PlannedDisk> disks;
  std::string domain_xml;       // of the new domain
  std::string domain_xml_diff;  // against the source's
  std::vector<Step> steps;
};

}  // namespace vmconvert::model
