// What will be done, in order. What `plan` prints is what `convert` carries out.
#pragma once

#include <filesystem>
#include <string>
#include <variant>
#include <vector>

#include "base/units.hpp"
#include "model/domain.hpp"
#include "model/edit.hpp"
#include "model/extent.hpp"
#include "model/finding.hpp"
#include "model/guest_facts.hpp"
#include "model/layout.hpp"

namespace vmconvert::model {

enum class TargetHypervisor { kvm, xen };
const char* to_string(TargetHypervisor hypervisor);

// Where the result goes. Logical volumes and storage pools will be further alternatives.
struct DirectoryTarget {
  std::filesystem::path folder;
  DiskFormat format = DiskFormat::raw;
};
using StorageTarget = std::variant<DirectoryTarget>;

// A target disk that is made: an image file today.
struct CreateImage {
  std::string disk;
  std::filesystem::path path;
  DiskFormat format = DiskFormat::raw;
  ByteCount size;
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
using Step = std::variant<BootTrial, CreateImage, CopyDisk, VerifyDisk, WriteDomainXml,
                          DefineDomain, StartDomain>;

// One line, as people read it.
std::string describe(const Step& step);

struct PlannedDisk {
  TargetDisk layout;
  std::vector<std::string> sources;
  std::filesystem::path path;  // of the image to be
  std::vector<Extent> extents;
};

struct Plan {
  Domain source;
  std::string name;  // of the new domain
  TargetHypervisor to = TargetHypervisor::kvm;
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
