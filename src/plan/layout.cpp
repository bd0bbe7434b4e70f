#include "plan/layout.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "base/error.hpp"
#include "plan/composed_disk.hpp"
#include "plan/device_name.hpp"

namespace vmconvert::plan {
namespace {

// All sources that the guest knows under one disk name: xvda, or xvda1 and xvda3.
struct Group {
  DeviceName name;              // of the disk: partition is 0
  std::vector<Member> members;  // ascending partition number; one with number 0: the whole disk
};

Error bad_description(const std::string& what, const std::string& remedy) {
  return Error(ErrorKind::bad_input, what, remedy);
}

std::string source_list(const model::Domain& domain, const Group& group) {
  std::string text;
  for (const Member& member : group.members) {
    text += (text.empty() ? "" : " and ") + domain.disks[member.source].target;
  }
  return text;
}

void check_sources(const model::Domain& domain) {
  std::map<std::filesystem::path, std::string> users;
  for (const model::DomainDisk& disk : domain.disks) {
    if (disk.device != model::DiskDevice::disk) {
      continue;
    }
    if (disk.source.empty()) {
      throw bad_description(fmt::format("disk {} of {} has no source", disk.target, domain.name),
                            "remove the empty disk from the description, or give it a source");
    }
    const auto [user, fresh] = users.emplace(disk.source.lexically_normal(), disk.target);
    if (!fresh) {
      throw bad_description(
          fmt::format("disks {} and {} of {} have the same source {}", user->second, disk.target,
                      domain.name, disk.source.string()),
          "correct the description: each disk needs a source of its own");
    }
  }
}

void check_group(const model::Domain& domain, const Group& group) {
  for (std::size_t i = 1; i < group.members.size(); ++i) {
    const unsigned before = group.members[i - 1].number;
    if (before == 0 || before == group.members[i].number) {
      throw bad_description(
          fmt::format("{} describes {} at the same time", domain.name, source_list(domain, group)),
          fmt::format("keep either the whole disk {0} or its partitions ({0}1...), each once",
                      group.name.disk()));
    }
  }
}

std::vector<Group> find_groups(const model::Domain& domain,
                               const std::vector<model::DiskFacts>& facts) {
  std::vector<Group> groups;
  for (std::size_t i = 0; i < domain.disks.size(); ++i) {
    const model::DomainDisk& disk = domain.disks[i];
    if (disk.device != model::DiskDevice::disk) {
      continue;
    }
    const auto name = parse_device_name(disk.target);
    if (!name) {
      throw Error(
          ErrorKind::unsupported,
          fmt::format("{} has a disk with the unknown name \"{}\"", domain.name, disk.target),
          "name it xvda, sda, hda or vda, with a partition number if it is a partition");
    }
    auto group = std::find_if(groups.begin(), groups.end(),
                              [&](const Group& g) { return g.name.disk() == name->disk(); });
    if (group == groups.end()) {
      group = groups.insert(groups.end(), Group{{name->prefix, name->letters, 0}, {}});
    }
    group->members.push_back({i, name->partition, &facts[i]});
  }
  // Same letter, other prefix (hda, xvda): the description's order decides.
  std::stable_sort(groups.begin(), groups.end(), [](const Group& a, const Group& b) {
    return letters_before(a.name.letters, b.name.letters);
  });
  for (Group& group : groups) {
    std::stable_sort(group.members.begin(), group.members.end(),
                     [](const Member& a, const Member& b) { return a.number < b.number; });
    check_group(domain, group);
  }
  return groups;
}

bool is_bare_filesystem(const model::DiskFacts& facts) {
  return facts.table == model::TableKind::none &&
         (facts.signature == "ext" || facts.signature == "xfs" || facts.signature == "btrfs");
}

model::TargetDisk whole_disk(const Member& member) {
  const ByteCount size = member.facts->size;
  model::TargetDisk disk;
  disk.size = round_up(size, ByteCount{k_sector_size});
  disk.segments.push_back({model::SegmentKind::source, size, member.source, {}});
  if (disk.size > size) {
    disk.segments.push_back({model::SegmentKind::zero, disk.size - size});
  }
  disk.table = member.facts->table;
  disk.partitions = member.facts->partitions;
  return disk;
}

// The names under which the guest may know this disk. Xen guests saw one disk under several names
// over the years (hda, sda, xvda), and their files still say so.
// A name means one disk only: `taken` grows by those that were given away.
std::vector<std::string> known_names(const DeviceName& own, std::set<std::string>& taken) {
  std::vector<std::string> names = {own.disk()};
  for (const char* prefix : {"xvd", "sd", "hd"}) {
    std::string name = prefix + own.letters;
    if (taken.insert(name).second) {
      names.push_back(std::move(name));
    }
  }
  return names;
}

void add_rename(std::vector<model::DeviceRename>& renames, const std::string& from,
                const std::string& to) {
  if (from != to) {
    renames.push_back({from, to});
  }
}

void add_renames(std::vector<model::DeviceRename>& renames, const Group& group,
                 const model::TargetDisk& disk, std::set<std::string>& taken) {
  const std::vector<unsigned> numbers = member_numbers(disk);
  for (const std::string& name : known_names(group.name, taken)) {
    if (!disk.composed) {
      add_rename(renames, name, disk.name);
      for (const model::Partition& part : disk.partitions) {
        add_rename(renames, model::partition_name(name, part.number),
                   model::partition_name(disk.name, part.number));
      }
      continue;
    }
    if (group.members.front().number != 0) {
      add_rename(renames, name, disk.name);
    }
    for (std::size_t i = 0; i < group.members.size(); ++i) {
      const unsigned number = group.members[i].number;
      add_rename(renames, number == 0 ? name : model::partition_name(name, number),
                 model::partition_name(disk.name, numbers[i]));
    }
  }
}

// Every name that the description itself uses, drives with removable media included.
std::set<std::string> used_names(const model::Domain& domain) {
  std::set<std::string> names;
  for (const model::DomainDisk& disk : domain.disks) {
    if (const auto name = parse_device_name(disk.target)) {
      names.insert(name->disk());
    }
  }
  return names;
}

}  // namespace

model::Layout make_layout(const model::Domain& domain, const std::vector<model::DiskFacts>& facts) {
  if (facts.size() != domain.disks.size()) {
    throw Error(ErrorKind::internal,
                fmt::format("{} disk facts for {} disks", facts.size(), domain.disks.size()));
  }
  check_sources(domain);
  const std::vector<Group> groups = find_groups(domain, facts);
  if (groups.empty()) {
    throw bad_description(fmt::format("{} has no disk", domain.name),
                          "give a description with at least one disk that has a source");
  }
  std::set<std::string> taken = used_names(domain);
  model::Layout layout;
  for (const Group& group : groups) {
    const Member& first = group.members.front();
    for (const Member& member : group.members) {
      if (member.facts->size.value == 0) {
        const model::DomainDisk& disk = domain.disks[member.source];
        throw bad_description(
            fmt::format("disk {} ({}) is empty: 0 bytes", disk.target, disk.source.string()),
            "name the source that holds the guest's data");
      }
    }
    const bool boots = layout.disks.empty();
    const bool compose = first.number != 0 || (boots && is_bare_filesystem(*first.facts));
    model::TargetDisk disk = compose ? compose_disk(group.members) : whole_disk(first);
    disk.name = target_disk_name(layout.disks.size());
    disk.readonly =
        std::all_of(group.members.begin(), group.members.end(),
                    [&](const Member& member) { return domain.disks[member.source].readonly; });
    add_renames(layout.renames, group, disk, taken);
    layout.disks.push_back(std::move(disk));
  }
  std::stable_sort(layout.renames.begin(), layout.renames.end(),
                   [](const model::DeviceRename& a, const model::DeviceRename& b) {
                     return a.from.size() > b.from.size();
                   });
  return layout;
}

}  // namespace vmconvert::plan
