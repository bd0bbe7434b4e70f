// The description's devices, the neighbours on both connections, the target host, this host.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"
#include "plan/check_outside.hpp"
#include "plan/check_table.hpp"

namespace vmconvert::plan {
namespace {

using model::Findings;
using model::Severity;

constexpr std::size_t k_longest_host_name = 63;  // a label of DNS

bool is_source(const model::Neighbour& other, const model::Domain& domain) {
  return domain.uuid.empty() ? other.name == domain.name : other.uuid == domain.uuid;
}

void check_macs(Findings& findings, const model::Domain& domain, const TargetHost& host) {
  for (const model::Neighbour& other : host.others) {
    if (is_source(other, domain) || other.name == host.name) {
      continue;  // name-defined and uuid-defined speak of those
    }
    for (const model::DomainNic& nic : domain.nics) {
      if (nic.mac.empty() ||
          std::find(other.macs.begin(), other.macs.end(), nic.mac) == other.macs.end()) {
        continue;
      }
      findings.push_back(make_finding(
          "mac-in-use", other.active ? Severity::blocks : Severity::warns,
          fmt::format("{}: the domain {} ({}) has the MAC address {}, too", host.uri,
                      printable(other.name), other.active ? "running" : "shut off", nic.mac),
          "give one of the two another address in its description; two that run would take "
          "each other's packets"));
    }
  }
}

void check_networks(Findings& findings, const TargetHost& host) {
  const Severity severity = host.starts ? Severity::blocks : Severity::warns;
  for (const std::string& bridge : host.missing_bridges) {
    findings.push_back(make_finding(
        "bridge-missing", severity,
        fmt::format("{}: there is no bridge {} for the new domain's network card; it cannot be "
                    "started without",
                    host.uri, printable(bridge)),
        "make the bridge, or name another one in a copy of the description"));
  }
  for (const std::string& network : host.missing_networks) {
    findings.push_back(make_finding(
        "network-missing", severity,
        fmt::format("{}: there is no network {} for the new domain's network card; it cannot be "
                    "started without",
                    host.uri, printable(network)),
        "define it (virsh net-define), or name another one in a copy of the description"));
  }
}

// Blocks what can never be: more than the whole machine has. What only other domains stand in the
// way of may be different on the day of the start.
void check_memory(Findings& findings, const model::Domain& domain, const TargetHost& host) {
  const model::NodeFacts& node = host.node;
  if (node.memory.value != 0 && domain.memory > node.memory) {
    findings.push_back(make_finding(
        "target-memory",
        fmt::format("{} is to have {} of memory, and the host behind {} has {}", host.name,
                    to_text_exact(domain.memory), host.uri, to_text_exact(node.memory)),
        "lower the memory in a copy of the description, or in a blueprint: memory = \"...\""));
  } else if (node.available.value != 0 && domain.memory > node.available) {
    findings.push_back(make_finding(
        "target-memory-tight",
        fmt::format("{} is to have {} of memory; the host behind {} has {}, of which {} are "
                    "available at present",
                    host.name, to_text_exact(domain.memory), host.uri, to_text_exact(node.memory),
                    to_text_exact(node.available)),
        "shut down or shrink another domain before this one is started, or lower its memory"));
  }
}

}  // namespace

Findings check_devices(const model::DescribedDevices& described) {
  Findings findings;
  for (const model::SpecialDevice& device : described.special) {
    findings.push_back(make_finding(
        "device-left-behind",
        fmt::format("{} {} is not carried over to the new domain", device.kind, device.what),
        device.kind == "tpm"
            ? "what was sealed with it cannot be read any more: have recovery keys at hand"
            : "attach what replaces it to the new domain, if the guest needs it"));
  }
  for (const std::string& target : described.shareable) {
    findings.push_back(
        make_finding("disk-shareable",
                     fmt::format("{} is marked as shareable: another domain may write to it during "
                                 "the copy",
                                 target),
                     "shut down whatever else uses it, and think about which copy goes on"));
  }
  if (described.hugepages) {
    findings.push_back(make_finding("hugepages-left-behind",
                                    "the description asks for huge pages of the old host",
                                    "ask for them again in the new description if they are "
                                    "reserved on the new host"));
  }
  if (described.secure_boot) {
    findings.push_back(make_finding("secure-boot",
                                    "the guest boots with Secure Boot, whose keys stay behind",
                                    "switch it off in the guest first, or enroll the keys anew"));
  }
  return findings;
}

Findings check_source_host(const model::Domain& domain, const std::vector<model::Neighbour>& others,
                           bool autostart) {
  Findings findings;
  for (const model::Neighbour& other : others) {
    if (is_source(other, domain)) {
      continue;
    }
    for (const model::DomainDisk& disk : domain.disks) {
      if (disk.device == model::DiskDevice::disk && !disk.readonly &&
          std::find(other.disks.begin(), other.disks.end(), disk.source) != other.disks.end()) {
        findings.push_back(make_finding(
            "source-shared", other.active ? Severity::blocks : Severity::warns,
            fmt::format("{} is also a disk of the domain {} ({})", place_text(disk),
                        printable(other.name), other.active ? "running" : "shut off"),
            fmt::format("shut {} down, and decide which of the two is to go on with the copy",
                        printable(other.name))));
      }
    }
  }
  if (autostart) {
    findings.push_back(make_finding(
        "source-autostart",
        fmt::format("{} starts together with its host: after the cutover, both would run",
                    domain.name),
        fmt::format("at the cutover: virsh autostart --disable {}", domain.name)));
  }
  return findings;
}

Findings check_target_host(const model::Domain& domain, const TargetHost& host) {
  Findings findings;
  if (host.name.size() > k_longest_host_name) {
    findings.push_back(make_finding("name-long",
                                    fmt::format("{} has {} characters; DNS and some tools take {}",
                                                host.name, host.name.size(), k_longest_host_name),
                                    "choose a shorter one: --name NAME"));
  }
  check_macs(findings, domain, host);
  check_memory(findings, domain, host);
  if (host.node.cpus != 0 && domain.vcpus > host.node.cpus) {
    findings.push_back(make_finding(
        "target-cpus",
        fmt::format("{} is to have {} processors, and the host behind {} has {}", host.name,
                    domain.vcpus, host.uri, host.node.cpus),
        "lower the number in a copy of the description: more than there are only slow it down"));
  }
  check_networks(findings, host);
  return findings;
}

Findings check_pool(const model::PoolFill& pool, ByteCount to_write, ByteCount sizes) {
  Findings findings;
  if (pool.name.empty() || pool.size.value == 0) {
    return findings;
  }
  constexpr double k_nearly_full = 80;
  const double added =
      100.0 * static_cast<double>(to_write.value) / static_cast<double>(pool.size.value);
  const double after = pool.data_percent + added;
  if (after > k_nearly_full || pool.metadata_percent > k_nearly_full) {
    findings.push_back(make_finding(
        "target-pool-filling",
        fmt::format("the thin pool {} is {:.1f} % full ({:.1f} % of its metadata) and will be "
                    "{:.1f} % full with these disks",
                    pool.name, pool.data_percent, pool.metadata_percent, after),
        fmt::format("extend it: lvextend -L +SIZE {0}, lvextend --poolmetadatasize +SIZE {0}",
                    pool.name)));
  }
  const ByteCount promised = pool.provisioned + sizes;
  if (promised > pool.size) {
    findings.push_back(make_finding(
        "target-pool-overcommitted",
        fmt::format("the thin pool {} has {}, and its volumes and these disks may grow to {} "
                    "together",
                    pool.name, to_text_exact(pool.size), to_text_exact(promised)),
        "watch its fill level, and set thin_pool_autoextend_threshold in lvm.conf"));
  }
  return findings;
}

Findings check_host(const std::vector<MissingTool>& missing, const std::optional<StateRoom>& room) {
  Findings findings;
  for (const MissingTool& tool : missing) {
    findings.push_back(make_finding("tool-missing",
                                    fmt::format("{} is not installed on this host", tool.program),
                                    fmt::format("install the package {}", tool.package)));
  }
  if (room && room->free < k_room_for_state) {
    findings.push_back(make_finding(
        "no-room-for-state",
        fmt::format("{} has {} free, and the overlays may need {}", room->folder.string(),
                    to_text_exact(room->free), to_text_exact(k_room_for_state)),
        "free space there, or name another folder: --state-dir DIR"));
  }
  return findings;
}

model::Finding emulation_finding(const std::string& reason) {
  return make_finding("slow-emulation",
                      fmt::format("the appliance and a trial run by emulation: {}", reason),
                      "nothing to do; with KVM they would take a tenth of the time");
}

Findings check_leftovers(const std::vector<UnfinishedJob>& jobs) {
  Findings findings;
  for (const UnfinishedJob& job : jobs) {
    findings.push_back(make_finding(
        "job-unfinished",
        fmt::format("the job {} for {} ended in the middle, and what it made is still there",
                    job.id, printable(job.guest)),
        fmt::format("go on with it: vmconvert resume {0}; or take it back: vmconvert undo {0}",
                    job.id)));
  }
  return findings;
}

}  // namespace vmconvert::plan
