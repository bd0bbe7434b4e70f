#include "guest/scrub.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vmconvert::guest {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

struct ScrubbedGuest {
  model::GuestFacts facts;
  model::Layout layout;
  std::string fstab = "UUID=x / ext4 defaults 0 1\n/dev/vda1 none swap sw 0 0\n";

  ScrubbedGuest() {
    facts.filesystems = {{"vda1", "swap", "x", "", {}, ""}, {"vda2", "xfs", "y", "", {}, "/"}};
    model::TargetDisk vda;
    vda.name = "vda";
    vda.size = {64 * k_mib};
    vda.table = model::TableKind::mbr;
    vda.partitions = {{1, {k_mib}, {16 * k_mib}}, {2, {17 * k_mib}, {47 * k_mib}}};
    layout.disks = {vda};
  }
  model::Findings gaps() const { return scrub_gaps(fstab, facts, layout); }
};

TEST(Scrub, MissesNothingOfAPlainGuest) {
  EXPECT_THAT(ScrubbedGuest().gaps(), IsEmpty());
}

TEST(Scrub, NamesASwapFile) {
  ScrubbedGuest guest;
  guest.fstab += "/var/swapfile none swap sw 0 0\n#/old none swap sw 0 0\n";
  ASSERT_THAT(guest.gaps(), SizeIs(1));
  EXPECT_EQ(guest.gaps()[0].id, "scrub-left");
  EXPECT_EQ(guest.gaps()[0].severity, model::Severity::warns);
  EXPECT_THAT(guest.gaps()[0].message, HasSubstr("/var/swapfile"));
}

TEST(Scrub, NamesXfsThatLiesAcrossBlocks) {
  ScrubbedGuest guest;
  guest.layout.disks[0].partitions[1].start = {17 * k_mib + 512};
  ASSERT_THAT(guest.gaps(), SizeIs(1));
  EXPECT_THAT(guest.gaps()[0].message, HasSubstr("vda2 (xfs)"));
  guest.facts.filesystems[1].type = "ext3";  // each of its free blocks is read
  EXPECT_THAT(guest.gaps(), IsEmpty());
}

TEST(Scrub, NamesWhatBelongsToNoPartition) {
  ScrubbedGuest guest;
  guest.layout.disks[0].partitions.pop_back();
  ASSERT_THAT(guest.gaps(), SizeIs(1));
  EXPECT_THAT(guest.gaps()[0].message, HasSubstr("parts of vda"));
  guest.layout.disks[0].composed = true;  // zeros of ours
  EXPECT_THAT(guest.gaps(), IsEmpty());
}

}  // namespace
}  // namespace vmconvert::guest
