// Findings that need no appliance, beyond those of checks.hpp: from superblocks, headers, sysfs,
// libvirt and LVM. Pure. Vectors named after disks are parallel to Domain::disks.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "model/check_facts.hpp"
#include "model/disk_facts.hpp"
#include "model/domain.hpp"
#include "model/finding.hpp"

namespace vmconvert::plan {

// Before any program opens the images: the chain that each is made of must be the described one.
// Nothing for a disk that is no qcow2.
model::Findings check_images(const model::Domain& domain,
                             const std::vector<std::optional<model::ImageHeader>>& headers,
                             const model::DescribedDevices& described);

// Which device is it really?
model::Findings check_identity(const model::Domain& domain,
                               const std::vector<model::DeviceIdentity>& devices,
                               const std::vector<model::DiskFacts>& facts,
                               const std::vector<model::DiskCondition>& conditions);

// Why no snapshot of this disk can be taken, and the one that was.
model::Finding snapshot_impossible(const model::DomainDisk& disk, const std::string& why);
// `room`: for what is written to the disk meanwhile; 0 where a thin pool takes it.
model::Finding snapshot_taken(const model::DomainDisk& disk, const std::string& origin,
                              const std::string& snapshot, ByteCount room);

model::Findings check_tables(const model::Domain& domain,
                             const std::vector<model::DiskFacts>& facts,
                             const std::vector<model::DiskCondition>& conditions);

struct HostGroup {
  std::string name;
  std::string uuid;
};
model::Findings check_regions(const model::Domain& domain,
                              const std::vector<model::DiskCondition>& conditions,
                              const std::vector<HostGroup>& host_groups);

model::Findings check_devices(const model::DescribedDevices& described);

// On the source's connection: other domains, and whether this one starts by itself.
model::Findings check_source_host(const model::Domain& domain,
                                  const std::vector<model::Neighbour>& others, bool autostart);

struct TargetHost {
  std::string uri;
  std::string name;     // of the new domain
  bool starts = false;  // it is started, too: what only a start needs then blocks
  std::vector<model::Neighbour> others;
  model::NodeFacts node;
  std::vector<std::string> missing_bridges;
  std::vector<std::string> missing_networks;
};
model::Findings check_target_host(const model::Domain& domain, const TargetHost& host);

// `to_write` will be written into volumes of these sizes together.
model::Findings check_pool(const model::PoolFill& pool, ByteCount to_write, ByteCount sizes);

struct MissingTool {
  std::string program;
  std::string package;
};
struct StateRoom {
  std::filesystem::path folder;
  ByteCount free;
};
model::Findings check_host(const std::vector<MissingTool>& missing,
                           const std::optional<StateRoom>& room);
// What the overlays of a patched guest may need: an initramfs is written anew, and more than one.
inline constexpr ByteCount k_room_for_state{256 * k_mib};

// Why this host has no acceleration: find_accelerator()'s reason.
model::Finding emulation_finding(const std::string& reason);

// An earlier run that ended in the middle.
struct UnfinishedJob {
  std::string id;
  std::string guest;
};
model::Findings check_leftovers(const std::vector<UnfinishedJob>& jobs);

// "xvda (/dev/vg0/web01)", "xvda, partition 2 (...)".
std::string place_text(const model::DomainDisk& disk, unsigned partition = 0);

}  // namespace vmconvert::plan
