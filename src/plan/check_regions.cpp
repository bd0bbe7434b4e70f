// Partition tables, and what the superblocks in them say.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>

#include "base/text.hpp"
#include "plan/check_outside.hpp"
#include "plan/check_table.hpp"

namespace vmconvert::plan {
namespace {

using model::DiskDevice;
using model::Findings;
using model::Region;

constexpr std::uint64_t k_mbr_reach = (std::uint64_t{1} << 32U) * k_sector_size;

void check_table(Findings& findings, const std::string& place, const model::DiskFacts& facts,
                 const model::DiskCondition& condition) {
  if (facts.table == model::TableKind::none && !facts.signature.empty()) {
    findings.push_back(
        make_finding("no-partition-table",
                     fmt::format("{} has no partition table: it is {}, {}", place, facts.signature,
                                 to_text(facts.size)),
                     "nothing to do: where the guest knows it as a partition, the new disk gets a "
                     "table"));
  }
  if (facts.table == model::TableKind::mbr && facts.size.value > k_mbr_reach) {
    findings.push_back(
        make_finding("mbr-beyond-2tib",
                     fmt::format("{} has {} bytes, and its MBR can describe the first {} only",
                                 place, facts.size.value, k_mbr_reach),
                     "nothing is lost; to use the rest, convert the table of the new disk to GPT"));
  }
  const auto first = std::min_element(
      facts.partitions.begin(), facts.partitions.end(),
      [](const model::Partition& a, const model::Partition& b) { return a.start < b.start; });
  if (facts.table == model::TableKind::mbr && first != facts.partitions.end() &&
      first->start.value < k_mib && first->start.value >= k_sector_size) {
    findings.push_back(
        make_finding("small-loader-gap",
                     fmt::format("{}: {} bytes before partition {} are left for a boot loader",
                                 place, first->start.value - k_sector_size, first->number),
                     "nothing to do: the plan says whether the loader fits"));
  }
  if (condition.hybrid_mbr) {
    findings.push_back(make_finding(
        "hybrid-mbr", fmt::format("{} has a GPT and an MBR with partitions of its own", place),
        "the GPT is used: compare both (gdisk -l) on a copy, and remove the one that is stale"));
  }
  if (condition.backup_table) {
    findings.push_back(make_finding(
        "gpt-backup-misplaced",
        fmt::format("{}: the backup of its GPT is at byte {}, and the disk ends at byte {}", place,
                    condition.backup_table->value, facts.size.value),
        "the disk was enlarged or cut; relocate it on the new disk: sgdisk -e"));
  }
}

void check_state(Findings& findings, const std::string& place, const Region& region) {
  if (region.errors) {
    findings.push_back(make_finding(
        "filesystem-errors",
        fmt::format("{}: its kernel found errors in this {} filesystem", place, region.type),
        "start the guest once more and let it run fsck; or convert with --accept and run fsck on "
        "the copy"));
  }
  if (region.dirty) {
    findings.push_back(make_finding(
        "filesystem-dirty",
        fmt::format("{}: the {} filesystem was not unmounted; its journal is replayed in the copy",
                    place, region.type),
        "start the guest and shut it down cleanly if it can still be started"));
  }
  if (region.hibernated) {
    findings.push_back(make_finding(
        "swap-hibernated",
        fmt::format("{}: it holds a hibernated system, which would wake up over changed "
                    "filesystems and destroy them",
                    place),
        "start the guest on the old host and shut it down, instead of suspending it"));
  }
}

void check_kind(Findings& findings, const std::string& place, const Region& region) {
  if (region.type == "bcache") {
    findings.push_back(make_finding(
        "bcache-disk",
        fmt::format("{} belongs to a bcache; what is in the cache only would be missing", place),
        "detach the cache in the guest first: echo 1 > /sys/block/bcache0/bcache/detach"));
  } else if (region.type == "zfs_member") {
    findings.push_back(make_finding("zfs-disk",
                                    fmt::format("{} belongs to a ZFS pool, which the appliance "
                                                "cannot read",
                                                place),
                                    "a root filesystem on it cannot be patched; where it holds "
                                    "only data, go on with --accept: it is copied as it is"));
  } else if (region.partition != 0 && region.type == "crypto_LUKS") {
    findings.push_back(
        make_finding("encrypted-disk", fmt::format("{} is encrypted with LUKS", place),
                     "a root filesystem on it cannot be patched: decrypt it in the guest first"));
  } else if (region.type == "BitLocker") {
    findings.push_back(make_finding("encrypted-disk",
                                    fmt::format("{} is encrypted with BitLocker", place),
                                    "suspend BitLocker in the guest first"));
  }
}

struct Seen {
  std::string place;
  const Region* region;
};

void check_raids(Findings& findings, const std::vector<Seen>& regions) {
  std::map<std::string, std::vector<const Seen*>> sets;
  for (const Seen& seen : regions) {
    if (!seen.region->raid_set.empty()) {
      sets[seen.region->raid_set].push_back(&seen);
    }
  }
  for (const auto& [set, members] : sets) {
    const unsigned wanted = members.front()->region->raid_disks;
    if (members.size() < wanted) {
      findings.push_back(make_finding(
          "raid-incomplete",
          fmt::format("the RAID {} has {} members, and the domain's disks hold {}: {}", set, wanted,
                      members.size(), members.front()->place),
          "add the disks that are missing to the description; go on with --accept only where the "
          "array was run without them"));
    } else {
      findings.push_back(make_finding(
          "raid-member",
          fmt::format("the RAID {} of {} members is made of the domain's disks: {}", set, wanted,
                      members.front()->place),
          "nothing to do: they are copied each; the new storage may make the array superfluous"));
    }
  }
}

template <class Value>
void check_twins(Findings& findings, const std::vector<Seen>& regions, const char* id,
                 const char* noun, const char* remedy, Value value) {
  std::map<std::string, std::vector<std::string>> places;
  for (const Seen& seen : regions) {
    if (!value(*seen.region).empty()) {
      places[value(*seen.region)].push_back(seen.place);
    }
  }
  for (const auto& [text, where] : places) {
    if (where.size() > 1) {
      findings.push_back(make_finding(
          id,
          fmt::format("the {} {} is on {} places: {}", noun, text, where.size(), join(where, "; ")),
          remedy));
    }
  }
}

void check_groups(Findings& findings, const std::vector<Seen>& regions,
                  const std::vector<HostGroup>& host_groups) {
  for (const Seen& seen : regions) {
    const Region& region = *seen.region;
    const auto clash =
        std::find_if(host_groups.begin(), host_groups.end(), [&](const HostGroup& group) {
          return !region.group_name.empty() &&
                 (group.name == region.group_name || group.uuid == region.group_uuid);
        });
    if (clash == host_groups.end()) {
      continue;
    }
    const bool same = clash->uuid == region.group_uuid;
    findings.push_back(make_finding(
        "volume-group-clash",
        fmt::format("{}: the guest's volume group {} ({}) {}", seen.place, region.group_name,
                    region.group_uuid,
                    same ? "is seen by this host as one of its own"
                         : fmt::format("has the name of a group of this host ({})", clash->uuid)),
        same ? "hide the guest's disks from this host: devices/filter or devices/scan_lvs = 0 in "
               "lvm.conf; never activate the group here"
             : "nothing to do here, it is read in the appliance; never attach the disk to this "
               "host without vgimportclone"));
  }
}

}  // namespace

Findings check_tables(const model::Domain& domain, const std::vector<model::DiskFacts>& facts,
                      const std::vector<model::DiskCondition>& conditions) {
  Findings findings;
  for (std::size_t i = 0; i < domain.disks.size(); ++i) {
    if (domain.disks[i].device == DiskDevice::disk) {
      check_table(findings, place_text(domain.disks[i]), facts.at(i), conditions.at(i));
    }
  }
  return findings;
}

Findings check_regions(const model::Domain& domain,
                       const std::vector<model::DiskCondition>& conditions,
                       const std::vector<HostGroup>& host_groups) {
  Findings findings;
  std::vector<Seen> regions;
  for (std::size_t i = 0; i < conditions.size(); ++i) {
    for (const Region& region : conditions[i].regions) {
      regions.push_back({place_text(domain.disks.at(i), region.partition), &region});
    }
  }
  for (const Seen& seen : regions) {
    check_kind(findings, seen.place, *seen.region);
    check_state(findings, seen.place, *seen.region);
  }
  check_raids(findings, regions);
  // Members of one array or of one btrfs share what is theirs; arrays were looked at above.
  std::vector<Seen> single;
  std::copy_if(regions.begin(), regions.end(), std::back_inserter(single), [](const Seen& seen) {
    return seen.region->raid_set.empty() && seen.region->type != "btrfs";
  });
  check_twins(findings, single, "duplicate-uuid", "UUID",
              "two copies of one filesystem: leave one disk out, or give one a new UUID on a copy "
              "(tune2fs -U random, xfs_admin -U generate)",
              [](const Region& region) { return region.uuid; });
  check_twins(findings, single, "duplicate-label", "label",
              "name filesystems by UUID in fstab, or give one of them another label",
              [](const Region& region) { return region.label; });
  check_groups(findings, regions, host_groups);
  return findings;
}

}  // namespace vmconvert::plan
