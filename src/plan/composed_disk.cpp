// Table and loader's gap in the first MiB, then each member at a start aligned to 1 MiB, zeros
// between them. MBR where it can be: every loader and every BIOS understands it. GPT for more than
// four partitions (a logical partition would need a sector of its own between the members, and GPT
// keeps the guest's numbers) and for disks that MBR's 32-bit sector numbers do not reach.
#include "plan/composed_disk.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"

namespace vmconvert::plan {
namespace {

constexpr ByteCount k_gap{k_mib};
constexpr std::size_t k_mbr_partitions = 4;
constexpr unsigned k_gpt_partitions = 128;
constexpr std::uint64_t k_gpt_sectors = 33;  // header and 128 entries of 128 bytes
constexpr ByteCount k_mbr_limit{2048 * k_gib};

std::uint8_t partition_type(const std::string& signature) {
  if (signature == "swap") {
    return 0x82;
  }
  if (signature == "LVM2_member") {
    return 0x8e;
  }
  return signature == "linux_raid_member" ? 0xfd : 0x83;
}

ByteCount on_sectors(ByteCount size) {
  return round_up(size, ByteCount{k_sector_size});
}

// The guest's own numbers where the table can hold them, else 1, 2, 3...
std::vector<unsigned> choose_numbers(const std::vector<Member>& members, unsigned limit) {
  std::vector<unsigned> numbers;
  const bool keep = members.front().number != 0 && members.back().number <= limit;
  for (std::size_t i = 0; i < members.size(); ++i) {
    numbers.push_back(keep ? members[i].number : static_cast<unsigned>(i + 1));
  }
  return numbers;
}

void add_zeros_up_to(model::TargetDisk& disk, ByteCount end) {
  if (end > disk.size) {
    disk.segments.push_back({model::SegmentKind::zero, end - disk.size});
    disk.size = end;
  }
}

void add_member(model::TargetDisk& disk, const Member& member, unsigned number) {
  add_zeros_up_to(disk, round_up(disk.size, ByteCount{k_mib}));
  const ByteCount start = disk.size;
  const ByteCount length = member.facts->size;
  disk.segments.push_back({model::SegmentKind::source, length, member.source, {}});
  disk.size = disk.size + length;
  add_zeros_up_to(disk, on_sectors(disk.size));

  model::Partition part;
  part.number = number;
  part.start = start;
  part.length = on_sectors(length);
  part.mbr_type = partition_type(member.facts->signature);
  disk.partitions.push_back(part);
}

void mark_bootable(std::vector<model::Partition>& partitions) {
  const auto first = std::find_if(partitions.begin(), partitions.end(),
                                  [](const auto& part) { return part.mbr_type != 0x82; });
  if (first != partitions.end()) {
    first->bootable = true;
  }
}

// The gap, from the first sector behind the primary entries, is a partition of its own: loaders
// may use it on a GPT disk only if it is one. Its number is one that the guest does not use.
void add_bios_boot(std::vector<model::Partition>& partitions) {
  model::Partition gap;
  gap.start = from_sectors(1 + k_gpt_sectors);
  gap.length = k_gap - gap.start;
  gap.mbr_type = 0;
  gap.bios_boot = true;
  const auto used = [&](unsigned number) {
    return std::any_of(partitions.begin(), partitions.end(),
                       [&](const auto& part) { return part.number == number; });
  };
  gap.number = k_gpt_partitions;
  while (used(gap.number)) {
    --gap.number;
  }
  const auto next = std::find_if(partitions.begin(), partitions.end(),
                                 [&](const auto& part) { return part.number > gap.number; });
  partitions.insert(next, gap);
}

ByteCount packed_size(const std::vector<Member>& members) {
  ByteCount size = k_gap;
  for (const Member& member : members) {
    size = round_up(size + member.facts->size, ByteCount{k_mib});
  }
  return size;
}

}  // namespace

model::TargetDisk compose_disk(const std::vector<Member>& members) {
  if (members.size() >= k_gpt_partitions) {
    throw Error(ErrorKind::unsupported,
                fmt::format("{} partitions on one disk: a GPT of ours has room for {}",
                            members.size(), k_gpt_partitions - 1),
                "split the guest's partitions over more disks");
  }
  const bool mbr = members.size() <= k_mbr_partitions && packed_size(members) < k_mbr_limit;
  model::TargetDisk disk;
  disk.composed = true;
  disk.table = mbr ? model::TableKind::mbr : model::TableKind::gpt;
  disk.segments.push_back({model::SegmentKind::table, k_gap});
  disk.size = k_gap;
  const std::vector<unsigned> numbers =
      choose_numbers(members, mbr ? k_mbr_partitions : k_gpt_partitions);
  for (std::size_t i = 0; i < members.size(); ++i) {
    add_member(disk, members[i], numbers[i]);
  }
  mark_bootable(disk.partitions);
  if (mbr) {
    add_zeros_up_to(disk, round_up(disk.size, ByteCount{k_mib}));
    return disk;
  }
  add_bios_boot(disk.partitions);
  const ByteCount backup = from_sectors(k_gpt_sectors);
  const ByteCount end = round_up(disk.size + backup, ByteCount{k_mib});
  add_zeros_up_to(disk, end - backup);
  disk.segments.push_back({model::SegmentKind::table, backup});
  disk.size = end;
  return disk;
}

std::vector<unsigned> member_numbers(const model::TargetDisk& disk) {
  std::vector<unsigned> numbers;
  for (const model::Partition& part : disk.partitions) {
    if (!part.bios_boot) {
      numbers.push_back(part.number);
    }
  }
  return numbers;
}

}  // namespace vmconvert::plan
