#include "plan/layout.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "base/error.hpp"
#include "plan/device_name.hpp"

namespace vmconvert::plan {
namespace {

using model::SegmentKind;
using model::TableKind;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

// A guest under construction: disks and their facts side by side.
struct Described {
  model::Domain domain;
  std::vector<model::DiskFacts> facts;

  Described() { domain.name = "web01"; }
  model::DiskFacts& add(const std::string& target, std::uint64_t size,
                        const std::string& signature = "") {
    model::DomainDisk disk;
    disk.target = target;
    disk.source = "/srv/" + target + ".img";
    domain.disks.push_back(disk);
    facts.emplace_back();
    facts.back().size = ByteCount{size};
    facts.back().signature = signature;
    return facts.back();
  }
  void add_table(const std::string& target, std::uint64_t size,
                 std::vector<model::Partition> partitions) {
    model::DiskFacts& disk = add(target, size);
    disk.table = TableKind::mbr;
    disk.partitions = std::move(partitions);
  }
  [[nodiscard]] model::Layout layout() const { return make_layout(domain, facts); }
};

std::vector<std::string> text(const std::vector<model::DeviceRename>& renames) {
  std::vector<std::string> found;
  for (const model::DeviceRename& rename : renames) {
    found.push_back(rename.from + ">" + rename.to);
  }
  return found;
}

std::vector<unsigned> numbers(const model::TargetDisk& disk) {
  std::vector<unsigned> found;
  for (const model::Partition& part : disk.partitions) {
    found.push_back(part.number);
  }
  return found;
}

ErrorKind refusal(const Described& guest) {
  try {
    static_cast<void>(guest.layout());
  } catch (const Error& error) {
    EXPECT_FALSE(error.remedy().empty()) << error.message();
    return error.kind();
  }
  ADD_FAILURE() << "accepted";
  return ErrorKind::internal;
}

void expect_consistent(const model::TargetDisk& disk) {
  ByteCount at;
  for (const model::Segment& segment : disk.segments) {
    EXPECT_GT(segment.length.value, 0U);
    at = at + segment.length;
  }
  EXPECT_EQ(at, disk.size);
  EXPECT_EQ(disk.size.value % k_sector_size, 0U);
  for (const model::Partition& part : disk.partitions) {
    EXPECT_LE(part.start + part.length, disk.size);
  }
}

TEST(DeviceName, IsTakenApartAndRefusesWhatIsNoDisk) {
  const auto name = parse_device_name("xvdaa12");
  ASSERT_TRUE(name);
  EXPECT_EQ(name->disk(), "xvdaa");
  EXPECT_EQ(name->partition, 12U);
  for (const char* bad : {"", "xvd", "fda", "xvda01", "xvda0", "xvdA", "xvda1x", "xvdabcd",
                          "xvda99999999999999999999", "nvme0n1", "ioemu:hda"}) {
    EXPECT_FALSE(parse_device_name(bad)) << bad;
  }
}

TEST(DeviceName, CountsTargetsAsTheKernelDoes) {
  EXPECT_EQ(target_disk_name(0), "vda");
  EXPECT_EQ(target_disk_name(25), "vdz");
  EXPECT_EQ(target_disk_name(26), "vdaa");
  EXPECT_EQ(target_disk_name(26 + 26 * 26), "vdaaa");
  EXPECT_TRUE(letters_before("z", "aa"));
  EXPECT_FALSE(letters_before("b", "a"));
}

TEST(Layout, KeepsAWholeDiskByteForByte) {
  Described guest;
  guest.add_table("xvda", 10 * k_gib,
                  {{1, from_sectors(63), from_sectors(1000), 0x83, true, false},
                   {5, from_sectors(4000), from_sectors(500), 0x82, false, false}});
  const model::Layout layout = guest.layout();
  ASSERT_EQ(layout.disks.size(), 1U);
  const model::TargetDisk& disk = layout.disks[0];
  EXPECT_EQ(disk.name, "vda");
  EXPECT_FALSE(disk.composed);
  EXPECT_EQ(disk.table, TableKind::mbr);
  EXPECT_EQ(disk.partitions, guest.facts[0].partitions);
  EXPECT_THAT(disk.segments,
              ElementsAre(model::Segment{SegmentKind::source, ByteCount{10 * k_gib}, 0, {}}));
  EXPECT_THAT(text(layout.renames),
              ElementsAre("xvda1>vda1", "xvda5>vda5", "xvda>vda", "sda1>vda1", "sda5>vda5",
                          "hda1>vda1", "hda5>vda5", "sda>vda", "hda>vda"));
}

TEST(Layout, RoundsAnOddFileUpToASector) {
  Described guest;
  guest.add("xvda", 1000);
  const model::TargetDisk disk = guest.layout().disks.at(0);
  EXPECT_EQ(disk.size, ByteCount{1024});
  EXPECT_THAT(disk.segments,
              ElementsAre(model::Segment{SegmentKind::source, ByteCount{1000}, 0, {}},
                          model::Segment{SegmentKind::zero, ByteCount{24}}));
}

TEST(Layout, ComposesNumberedVolumesInAscendingOrderWithHoles) {
  Described guest;
  guest.add("xvda3", 3 * k_mib + 100, "ext");
  guest.add("xvda1", 2 * k_mib, "swap");
  const model::Layout layout = guest.layout();
  ASSERT_EQ(layout.disks.size(), 1U);
  const model::TargetDisk& disk = layout.disks[0];
  EXPECT_TRUE(disk.composed);
  EXPECT_EQ(disk.table, TableKind::mbr);
  EXPECT_THAT(disk.segments,
              ElementsAre(model::Segment{SegmentKind::table, ByteCount{k_mib}},
                          model::Segment{SegmentKind::source, ByteCount{2 * k_mib}, 1, {}},
                          model::Segment{SegmentKind::source, ByteCount{3 * k_mib + 100}, 0, {}},
                          model::Segment{SegmentKind::zero, ByteCount{412}},
                          model::Segment{SegmentKind::zero, ByteCount{k_mib - 512}}));
  EXPECT_THAT(disk.partitions,
              ElementsAre(model::Partition{1, ByteCount{k_mib}, ByteCount{2 * k_mib}, 0x82},
                          model::Partition{3, ByteCount{3 * k_mib}, ByteCount{3 * k_mib + 512},
                                           0x83, true}));
  EXPECT_THAT(text(layout.renames), Contains("xvda3>vda3"));
  EXPECT_THAT(text(layout.renames), Contains("hda1>vda1"));
  EXPECT_THAT(text(layout.renames), Contains("sda>vda"));
  expect_consistent(disk);
}

TEST(Layout, RenumbersUpToFourHighNumbersInAnMbr) {
  Described guest;  // as in a real pv guest: xvda5 root, xvda1 boot, xvda2 swap
  guest.add("xvda5", 8 * k_mib, "ext");
  guest.add("xvda1", k_mib, "ext");
  guest.add("xvda2", k_mib, "swap");
  const model::Layout layout = guest.layout();
  EXPECT_EQ(layout.disks.at(0).table, TableKind::mbr);
  EXPECT_THAT(numbers(layout.disks[0]), ElementsAre(1, 2, 3));
  EXPECT_TRUE(layout.disks[0].partitions[0].bootable);
  EXPECT_THAT(text(layout.renames), Contains("xvda5>vda3"));
  EXPECT_THAT(text(layout.renames), Contains("xvda1>vda1"));
}

TEST(Layout, TakesAGptWithALoaderPartitionForMoreThanFour) {
  Described guest;
  for (const char* name : {"xvda1", "xvda2", "xvda3", "xvda5", "xvda6"}) {
    guest.add(name, k_mib, "ext");
  }
  const model::TargetDisk disk = guest.layout().disks.at(0);
  EXPECT_EQ(disk.table, TableKind::gpt);
  EXPECT_THAT(numbers(disk), ElementsAre(1, 2, 3, 5, 6, 128));
  const model::Partition& gap = disk.partitions.back();
  EXPECT_TRUE(gap.bios_boot);
  EXPECT_EQ(gap.start, from_sectors(34));
  EXPECT_EQ(gap.start + gap.length, ByteCount{k_mib});
  EXPECT_EQ(disk.segments.back(), (model::Segment{SegmentKind::table, from_sectors(33)}));
  EXPECT_LE((disk.partitions[4].start + disk.partitions[4].length) + from_sectors(33), disk.size);
  expect_consistent(disk);
}

TEST(Layout, TakesAGptWhereMbrDoesNotReach) {
  Described guest;
  guest.add("xvda1", k_gib, "ext");
  guest.add("xvda2", 2048 * k_gib, "xfs");
  const model::TargetDisk disk = guest.layout().disks.at(0);
  EXPECT_EQ(disk.table, TableKind::gpt);
  EXPECT_THAT(numbers(disk), ElementsAre(1, 2, 128));
  expect_consistent(disk);
}

TEST(Layout, RefusesMorePartitionsThanAGptHolds) {
  Described guest;
  for (int i = 1; i <= 128; ++i) {
    guest.add("xvda" + std::to_string(i), k_mib, "ext");
  }
  EXPECT_EQ(refusal(guest), ErrorKind::unsupported);
}

TEST(Layout, ChoosesPartitionTypesAndTheBootFlag) {
  Described guest;
  guest.add("xvda1", k_mib, "swap");
  guest.add("xvda2", k_mib, "LVM2_member");
  guest.add("xvda3", k_mib, "linux_raid_member");
  guest.add("xvda4", k_mib, "");
  const auto parts = guest.layout().disks.at(0).partitions;
  ASSERT_EQ(parts.size(), 4U);
  EXPECT_EQ(parts[0].mbr_type, 0x82);
  EXPECT_EQ(parts[1].mbr_type, 0x8e);
  EXPECT_EQ(parts[2].mbr_type, 0xfd);
  EXPECT_EQ(parts[3].mbr_type, 0x83);
  EXPECT_FALSE(parts[0].bootable);
  EXPECT_TRUE(parts[1].bootable);
  EXPECT_FALSE(parts[2].bootable);
}

TEST(Layout, PutsABareFilesystemOfTheBootDiskIntoAPartition) {
  Described guest;
  guest.add("xvda", 5 * k_mib, "ext");
  guest.add("xvdb", 6 * k_mib, "ext");
  const model::Layout layout = guest.layout();
  ASSERT_EQ(layout.disks.size(), 2U);
  EXPECT_TRUE(layout.disks[0].composed);
  EXPECT_FALSE(layout.disks[1].composed);
  EXPECT_THAT(numbers(layout.disks[0]), ElementsAre(1));
  EXPECT_THAT(text(layout.renames), Contains("xvda>vda1"));
  EXPECT_THAT(text(layout.renames), Not(Contains("xvda>vda")));
  EXPECT_THAT(text(layout.renames), Contains("xvdb>vdb"));
}

TEST(Layout, LeavesOtherContentOfTheBootDiskAlone) {
  for (const char* signature : {"", "LVM2_member", "crypto_LUKS", "other"}) {
    Described guest;
    guest.add("xvda", 5 * k_mib, signature);
    EXPECT_FALSE(guest.layout().disks.at(0).composed) << signature;
  }
}

TEST(Layout, OrdersDisksByLetterAcrossPrefixesAndFillsHoles) {
  Described guest;
  guest.add("xvdaa", k_mib);
  guest.add("xvdd", k_mib);
  guest.add("hda", k_mib);
  guest.domain.disks.push_back({"hdc", "ide", model::DiskDevice::cdrom, "", {}, true});
  guest.facts.emplace_back();
  const model::Layout layout = guest.layout();
  ASSERT_EQ(layout.disks.size(), 3U);
  EXPECT_EQ(layout.disks[0].segments[0].source, 2U);
  EXPECT_EQ(layout.disks[1].segments[0].source, 1U);
  EXPECT_EQ(layout.disks[2].segments[0].source, 0U);
  EXPECT_EQ(layout.disks[2].name, "vdc");
  EXPECT_THAT(text(layout.renames), Contains("xvdd>vdb"));
  EXPECT_THAT(text(layout.renames), Contains("xvdaa>vdc"));
}

TEST(Layout, GivesAnAliasToOneDiskOnly) {
  Described mixed;
  mixed.add("hda", k_mib);
  mixed.add("xvdb", k_mib);
  EXPECT_THAT(text(mixed.layout().renames),
              ElementsAre("xvda>vda", "xvdb>vdb", "hda>vda", "sda>vda", "sdb>vdb", "hdb>vdb"));

  Described same_letter;
  same_letter.add("hda", k_mib);
  same_letter.add("sda", k_mib);
  EXPECT_THAT(text(same_letter.layout().renames), ElementsAre("xvda>vda", "hda>vda", "sda>vdb"));

  Described drive;  // /dev/hdc is the drive: it must not lead to the disk xvdc
  drive.add("xvdc", k_mib);
  drive.domain.disks.push_back({"hdc", "ide", model::DiskDevice::cdrom, "/x.iso", {}, true});
  drive.facts.emplace_back();
  EXPECT_THAT(text(drive.layout().renames), ElementsAre("xvdc>vda", "sdc>vda"));
}

TEST(Layout, KeepsReadonlyOnlyWhereAllMembersAre) {
  Described guest;
  guest.add("xvda1", k_mib, "ext");
  guest.add("xvda2", k_mib, "ext");
  guest.add("xvdb", k_mib);
  guest.domain.disks[1].readonly = true;
  guest.domain.disks[2].readonly = true;
  const model::Layout layout = guest.layout();
  EXPECT_FALSE(layout.disks.at(0).readonly);
  EXPECT_TRUE(layout.disks.at(1).readonly);
}

TEST(Layout, RefusesDescriptionsThatCannotBeMeantSo) {
  Described both;
  both.add("xvda1", k_mib);
  both.add("xvda", k_mib);
  EXPECT_EQ(refusal(both), ErrorKind::bad_input);

  Described twice;
  twice.add("xvda1", k_mib);
  twice.add("xvda1", k_mib);
  twice.domain.disks[1].source = "/srv/other.img";
  EXPECT_EQ(refusal(twice), ErrorKind::bad_input);

  Described same_source;
  same_source.add("xvda", k_mib);
  same_source.add("xvdb", k_mib);
  same_source.domain.disks[1].source = "/srv/../srv/./xvda.img";
  EXPECT_EQ(refusal(same_source), ErrorKind::bad_input);

  Described no_source;
  no_source.add("xvda", k_mib);
  no_source.domain.disks[0].source.clear();
  EXPECT_EQ(refusal(no_source), ErrorKind::bad_input);

  Described empty;
  empty.add("xvda", 0);
  EXPECT_EQ(refusal(empty), ErrorKind::bad_input);

  EXPECT_EQ(refusal(Described{}), ErrorKind::bad_input);

  Described unknown;
  unknown.add("nvme0n1", k_mib);
  EXPECT_EQ(refusal(unknown), ErrorKind::unsupported);
}

TEST(Layout, HoldsItsRulesForRandomGroups) {
  std::mt19937 random(20240607);
  for (int round = 0; round < 300; ++round) {
    Described guest;
    const unsigned count = 1 + random() % 9;
    std::set<unsigned> used;
    while (used.size() < count) {
      used.insert(1 + random() % 200);
    }
    for (const unsigned number : used) {
      guest.add("sda" + std::to_string(number), 1 + random() % (9 * k_mib), "ext");
    }
    const model::Layout layout = guest.layout();
    const model::TargetDisk& disk = layout.disks.at(0);
    expect_consistent(disk);
    EXPECT_EQ(disk.table, count <= 4 ? TableKind::mbr : TableKind::gpt);
    ByteCount end;
    std::set<unsigned> seen;
    for (const model::Partition& part : disk.partitions) {
      EXPECT_TRUE(seen.insert(part.number).second);
      if (!part.bios_boot) {
        EXPECT_EQ(part.start.value % k_mib, 0U);
        EXPECT_GE(part.start, end);
        end = part.start + part.length;
      }
    }
  }
}

}  // namespace
}  // namespace vmconvert::plan
