#include "plan/checks.hpp"

#include <fmt/format.h>

#include "base/text.hpp"

namespace vmconvert::plan {
namespace {

using model::Domain;
using model::Findings;

void check_disk(Findings& findings, const model::DomainDisk& disk, const model::DiskFacts& facts) {
  if (!facts.table_problem.empty()) {
    findings.push_back(make_finding(
        "disk-smaller-than-table",
        fmt::format("{} ({}): {}", disk.target, disk.source.string(), facts.table_problem),
        "the image was cut off or the wrong volume is named: compare its size with the original"));
  }
  if (facts.signature == "crypto_LUKS") {
    findings.push_back(make_finding(
        "encrypted-disk",
        fmt::format("{} ({}) is encrypted with LUKS", disk.target, disk.source.string()),
        "a root filesystem on it cannot be patched: decrypt it in the guest first"));
  }
  for (const model::Partition& part : facts.partitions) {
    if (part.start.value % k_mib != 0) {
      findings.push_back(
          make_finding("partition-misaligned",
                       fmt::format("{}: partition {} starts at byte {}, not at a multiple of 1 MiB",
                                   disk.target, part.number, part.start.value),
                       "nothing to do: it works, only slower on disks with large blocks"));
      break;
    }
  }
}

}  // namespace

namespace {

// "the domain web is running", or who has which disk open; empty: it is at rest as far as is known.
std::string who_writes(const Domain& domain, const HostFacts& host) {
  if (host.domain_active) {
    return fmt::format("the domain {} is running", domain.name);
  }
  if (!host.source_uses.empty()) {
    const SourceUse& use = host.source_uses.front();
    return fmt::format("{}: {}", use.path.string(), use.who);
  }
  return domain.was_running
             ? fmt::format("{} was running when its description was taken", domain.name)
             : std::string();
}

}  // namespace

Findings check_at_rest(const Domain& domain, const HostFacts& host) {
  Findings findings;
  if (host.snapshots) {
    const std::string writer = who_writes(domain, host);
    if (!writer.empty()) {
      findings.push_back(make_finding(
          "source-live",
          writer + "; its disks are read through snapshots, which hold what a power cut would "
                   "leave, each at its own moment; what is written later is not in the copy",
          "for the last conversion shut it down and leave --snapshot out"));
    }
    return findings;
  }
  if (host.domain_active) {
    findings.push_back(
        make_finding("source-running", fmt::format("the domain {} is running", domain.name),
                     fmt::format("shut it down first: virsh shutdown {}", domain.name)));
  } else if (domain.was_running) {
    findings.push_back(make_finding(
        "source-was-running",
        fmt::format("the description of {} was taken while the domain was running", domain.name),
        "make sure that it is shut down, and take the description with virsh dumpxml --inactive"));
  }
  for (const SourceUse& use : host.source_uses) {
    findings.push_back(
        make_finding("source-in-use", fmt::format("{}: {}", use.path.string(), use.who),
                     "shut the guest down, unmount it or end that process, then try again"));
  }
  return findings;
}

Findings check_source(const Domain& domain, const std::vector<model::DiskFacts>& disks) {
  Findings findings;
  std::size_t count = 0;
  for (std::size_t i = 0; i < domain.disks.size(); ++i) {
    const model::DomainDisk& disk = domain.disks[i];
    if (disk.device == model::DiskDevice::disk) {
      ++count;
      check_disk(findings, disk, disks.at(i));
    } else if (!disk.source.empty()) {
      findings.push_back(make_finding(
          "cdrom-emptied",
          fmt::format("{}: the drive comes without {}", disk.target, disk.source.string()),
          "insert the image on the new host if the guest needs it"));
    }
  }
  if (count == 0) {
    findings.push_back(make_finding("no-disk",
                                    fmt::format("the domain {} has no disk", domain.name),
                                    "check the description: a converter needs at least one disk"));
  }
  if (domain.uefi) {
    findings.push_back(make_finding(
        "uefi-guest", fmt::format("{} boots by UEFI; its variable store stays behind", domain.name),
        "the new firmware starts EFI/BOOT/BOOTX64.EFI, which the copy gets if the guest has none"));
  }
  return findings;
}

Findings check_guest(const Domain& domain, const model::GuestFacts& guest,
                     const std::vector<std::string>& notes) {
  Findings findings;
  for (const std::string& note : notes) {
    findings.push_back(
        make_finding("guest-note", note, "look at it in the guest when there is time"));
  }
  if (guest.distribution.empty()) {
    findings.push_back(make_finding(
        "unknown-os",
        fmt::format("the system inside {} has no os-release or release file that we know",
                    domain.name),
        "check the edits in the plan, and use --trial"));
  }
  if (!guest.identities.empty()) {
    findings.push_back(make_finding(
        "shared-identity",
        fmt::format("{} holds identities that a second copy would share: {}", domain.name,
                    join(guest.identities, ", ")),
        "never run the original and the copy at the same time, or renew them in the copy"));
  }
  return findings;
}

Findings check_target(const TargetFacts& target) {
  Findings findings;
  for (const auto& path : target.existing) {
    findings.push_back(
        make_finding("target-exists", fmt::format("{} exists already", path.string()),
                     "remove it, or choose another folder (--dir) or name (--name)"));
  }
  if (!target.place.empty() && target.free_space < target.needed_space) {
    const auto amount = [&](ByteCount bytes) {
      return target.extent_size.value == 0
                 ? fmt::format("{} bytes", bytes.value)
                 : fmt::format("{} bytes = {} extents of {}", bytes.value,
                               bytes.value / target.extent_size.value, to_text(target.extent_size));
    };
    findings.push_back(
        make_finding("no-space",
                     fmt::format("{} has {} free, the disks need {}", target.place,
                                 amount(target.free_space), amount(target.needed_space)),
                     "free space there, or choose another place for the disks"));
  }
  if (target.name_defined) {
    findings.push_back(make_finding(
        "name-defined", fmt::format("{} has a domain named {} already", target.uri, target.name),
        "choose another name (--name), or undefine that domain first"));
  }
  if (target.uuid_defined) {
    findings.push_back(make_finding(
        "uuid-defined",
        fmt::format("{} has another domain with the UUID of {} already", target.uri, target.name),
        "undefine that domain first: two domains must not share a UUID"));
  }
  return findings;
}

}  // namespace vmconvert::plan
