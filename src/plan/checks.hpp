// Findings from facts. Pure: whoever calls has read the host and the guest already. The ids are
// stable: scripts and --accept name them, and man/vmconvert-check.1 lists them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "model/disk_facts.hpp"
#include "model/domain.hpp"
#include "model/finding.hpp"
#include "model/guest_facts.hpp"
#include "plan/check_table.hpp"

namespace vmconvert::plan {

struct SourceUse {
  std::filesystem::path path;
  std::string who;  // "mounted at /srv", "process 812 (qemu-system-x86) has it open for writing"
};

// What was seen on the hypervisor host.
struct HostFacts {
  bool domain_active = false;  // on the connection that the source came from
  std::vector<SourceUse> source_uses;
  bool snapshots = false;  // the disks are read through snapshots, not as they are used
};

// What was seen at the place where the result goes.
struct TargetFacts {
  std::vector<std::filesystem::path> existing;  // of what would be made
  std::string place;  // "/srv/images", "the volume group vg0"; empty: not looked at yet
  ByteCount free_space;
  ByteCount needed_space;
  ByteCount extent_size;  // of a volume group; else nothing
  std::string uri;        // empty: nothing is defined
  std::string name;
  bool name_defined = false;
  bool uuid_defined = false;
};

// Before a disk is opened: is the source at rest?
model::Findings check_at_rest(const model::Domain& domain, const HostFacts& host);
// The description and its disks from outside; `disks` is parallel to domain.disks.
model::Findings check_source(const model::Domain& domain,
                             const std::vector<model::DiskFacts>& disks);
// With the inside known.
// `notes`: what was odd when its filesystems were mounted, but did no harm.
model::Findings check_guest(const model::Domain& domain, const model::GuestFacts& guest,
                            const std::vector<std::string>& notes);
// Before the first byte is written.
model::Findings check_target(const TargetFacts& target);

}  // namespace vmconvert::plan
