#include "plan/checks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vmconvert::plan {
namespace {

using model::Findings;
using model::Severity;
using testing::HasSubstr;

model::Domain one_disk_domain() {
  model::Domain domain;
  domain.name = "web01";
  domain.disks.push_back({"xvda", "xen", model::DiskDevice::disk, "/srv/web01.img"});
  return domain;
}

std::vector<std::string> ids(const Findings& findings) {
  std::vector<std::string> found;
  for (const auto& finding : findings) {
    found.push_back(finding.id);
  }
  return found;
}

TEST(CheckSource, IsSilentForAHealthyDomain) {
  EXPECT_THAT(ids(check_source(one_disk_domain(), {model::DiskFacts{}})), testing::IsEmpty());
}

TEST(CheckSource, BlocksWhileTheDomainRuns) {
  const Findings findings = check_at_rest(one_disk_domain(), {true, {}});
  ASSERT_THAT(ids(findings), testing::ElementsAre("source-running"));
  EXPECT_TRUE(model::any_blocks(findings));
  EXPECT_THAT(findings[0].remedy, HasSubstr("virsh shutdown web01"));
}

TEST(CheckSource, WarnsOfADescriptionTakenWhileRunning) {
  model::Domain domain = one_disk_domain();
  domain.was_running = true;
  const Findings findings = check_at_rest(domain, {});
  ASSERT_THAT(ids(findings), testing::ElementsAre("source-was-running"));
  EXPECT_FALSE(model::any_blocks(findings));
}

TEST(CheckSource, NamesWhoUsesADisk) {
  const Findings findings =
      check_at_rest(one_disk_domain(), {false, {{"/srv/web01.img", "mounted at /mnt"}}});
  ASSERT_THAT(ids(findings), testing::ElementsAre("source-in-use"));
  EXPECT_THAT(findings[0].message, HasSubstr("/srv/web01.img: mounted at /mnt"));
}

TEST(CheckSource, OnlyWarnsOfAWriterBesideSnapshots) {
  HostFacts host{true, {{"/srv/web01.img", "mounted at /mnt"}}, true};
  Findings findings = check_at_rest(one_disk_domain(), host);
  ASSERT_THAT(ids(findings), testing::ElementsAre("source-live"));
  EXPECT_FALSE(model::any_blocks(findings));
  EXPECT_THAT(findings[0].message, HasSubstr("the domain web01 is running; its disks are read"));
  host.domain_active = false;
  findings = check_at_rest(one_disk_domain(), host);
  ASSERT_THAT(ids(findings), testing::ElementsAre("source-live"));
  EXPECT_THAT(findings[0].message, HasSubstr("/srv/web01.img: mounted at /mnt; "));
  host.source_uses.clear();
  EXPECT_THAT(ids(check_at_rest(one_disk_domain(), host)), testing::IsEmpty());
}

TEST(CheckSource, BlocksATableThatTheDiskCannotHold) {
  model::DiskFacts facts;
  facts.table_problem = "partition 5 ends at byte 10 of 9";
  const Findings findings = check_source(one_disk_domain(), {facts});
  ASSERT_THAT(ids(findings), testing::ElementsAre("disk-smaller-than-table"));
  EXPECT_THAT(findings[0].message, HasSubstr("xvda"));
  EXPECT_THAT(findings[0].message, HasSubstr("partition 5 ends at byte 10 of 9"));
}

TEST(CheckSource, SaysMisalignedOncePerDisk) {
  model::DiskFacts facts;
  facts.partitions = {{1, ByteCount{63 * 512}, ByteCount{1024}},
                      {2, ByteCount{65 * 512}, ByteCount{1024}}};
  EXPECT_THAT(ids(check_source(one_disk_domain(), {facts})),
              testing::ElementsAre("partition-misaligned"));
}

TEST(CheckSource, BlocksADomainWithCdromsOnly) {
  model::Domain domain = one_disk_domain();
  domain.disks[0].device = model::DiskDevice::cdrom;
  EXPECT_THAT(ids(check_source(domain, {model::DiskFacts{}})),
              testing::ElementsAre("cdrom-emptied", "no-disk"));
}

TEST(CheckTarget, NamesTheBytesThatAreMissing) {
  TargetFacts target;
  target.place = "/srv/images";
  target.free_space = ByteCount{999};
  target.needed_space = ByteCount{1000};
  const Findings findings = check_target(target);
  ASSERT_THAT(ids(findings), testing::ElementsAre("no-space"));
  EXPECT_THAT(findings[0].message, HasSubstr("999"));
  EXPECT_THAT(findings[0].message, HasSubstr("1000"));
  target.free_space = ByteCount{1000};
  EXPECT_THAT(check_target(target), testing::IsEmpty());
}

TEST(CheckTarget, NeverOverwritesAndNeverDoubles) {
  TargetFacts target;
  target.existing = {"/srv/images/web01-vda.raw"};
  target.uri = "qemu:///system";
  target.name = "web01";
  target.name_defined = true;
  target.uuid_defined = true;
  EXPECT_THAT(ids(check_target(target)),
              testing::ElementsAre("target-exists", "name-defined", "uuid-defined"));
}

TEST(Acknowledge, LetsThroughWhatWasNamedAndReportsWhatWasNot) {
  Findings findings = check_at_rest(one_disk_domain(), {true, {}});
  EXPECT_THAT(model::acknowledge(findings, {"source-running", "no-such-id"}),
              testing::ElementsAre("no-such-id"));
  EXPECT_FALSE(model::any_blocks(findings));
}

TEST(CheckIds, AreUnique) {
  std::vector<std::string> seen;
  for (const CheckId& check : check_ids()) {
    EXPECT_THAT(seen, testing::Not(testing::Contains(check.id)));
    seen.emplace_back(check.id);
  }
  EXPECT_GE(seen.size(), 12U);
}

}  // namespace
}  // namespace vmconvert::plan
