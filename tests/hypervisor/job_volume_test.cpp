// Conversions onto logical volumes from the plan on: sizes, stale data, thin pools, taking back.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "base/text.hpp"
#include "host/lvm.hpp"
#include "job/place.hpp"
#include "job/workspace.hpp"
#include "job_support.hpp"
#include "plan/checks.hpp"

namespace vmconvert::job {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::StartsWith;

constexpr std::uint64_t k_extent = 4 * k_mib;
const host::VolumeName k_made{k_group, "web-vda"};
const std::filesystem::path k_path = "/dev/vg-a/web-vda";

std::optional<host::LogicalVolume> made() {
  return host::logical_volume(commands(), k_made);
}

double percent_of(const std::string& pool) {
  return host::thin_pool(commands(), {k_group, pool}).value().data_percent.value();
}

class Volume : public testing::Test {
 protected:
  void SetUp() override { before = lvm_state(); }
  void TearDown() override { EXPECT_EQ(lvm_state(), before); }

  std::string before;
};

// The disk of a guest in the field has 197,003,649,024 bytes: 46,969 extents and 1,384,448 bytes.
TEST_F(Volume, IsExactForADiskInsideAPartition) {
  const std::uint64_t size = 3 * k_extent + 197'003'649'024 % k_extent;
  run_or_throw(commands(), {{"sfdisk", "-q", k_spare_disk},
                            fmt::format("label: dos\nstart=2048, size={}\n", size / 512)});
  const std::string source = std::string(k_spare_disk) + "1";
  write_device(source, 0, noise(size, 1));
  // The guest's own table, which starts at sector 63 as that one's does.
  run_or_throw(commands(), {{"sfdisk", "-q", "--no-reread", "--no-tell-kernel", source},
                            "label: dos\nstart=63, size=8192\nstart=8255\n"});
  const std::vector<std::byte> content = read_device(source, 0, size);

  PreparedJob job(source, {k_group, ""}, {{{3 * k_mib}, {7 * k_mib}}});
  EXPECT_EQ(
      job.view().steps.front().what,
      fmt::format("create the logical volume vg-a/web-vda: {} bytes = 4 extents of 4.0 MiB", size));
  EXPECT_FALSE(made());
  const auto error = job.carry_out();
  ASSERT_FALSE(error) << error->message();
  EXPECT_EQ(made()->size.value, 4 * k_extent);
  EXPECT_THAT(made()->tags, Contains("vmconvert.job=" + job.id()));
  EXPECT_THAT(made()->tags, Contains("vmconvert.source=" + source));
  EXPECT_EQ(job.result().disks.at(0).path, k_path);

  std::vector<std::byte> expected = content;
  std::fill(expected.begin() + 3 * k_mib, expected.begin() + 10 * k_mib, std::byte{0});
  EXPECT_TRUE(read_device(k_path, 0, size) == expected);
  EXPECT_TRUE(is_all(read_device(k_path, size, 4 * k_extent - size), 0))
      << "the last extent's rest";
  EXPECT_TRUE(read_device(source, 0, size) == content) << "the source";
  EXPECT_EQ(verify_job(job.state(), job.id(), commands(), {}).size(), 1U);

  // One bit in a stretch of zeros, which a copy's own verification does not read.
  write_device(k_path, 6 * k_mib, noise(512, 2));
  try {
    static_cast<void>(verify_job(job.state(), job.id(), commands(), {}));
    ADD_FAILURE() << "verify saw nothing";
  } catch (const Error& mismatch) {
    EXPECT_EQ(mismatch.kind(), ErrorKind::mismatch);
    EXPECT_THAT(mismatch.message(), HasSubstr(std::to_string(6 * k_mib)));
  }
  EXPECT_EQ(job.view().state_text(), "done");
  job.undo();
  EXPECT_EQ(job.view().state_text(), "undone");
}

TEST_F(Volume, SaysWhichGroupsThereAre) {
  try {
    PreparedJob("/dev/ubda", {"vg9", ""});
    ADD_FAILURE() << "there is no such group";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::not_found);
    EXPECT_EQ(error.remedy(), "this host has vg-a");
  }
}

class Thin : public Volume {
 protected:
  void SetUp() override {
    Volume::SetUp();
    // A chunk of a pool that does not zero would show what was there before; this one does.
    run({"lvcreate", "-qy", "-L", "32m", "-c", "64k", "--type", "thin-pool", "-n", "pool",
         k_group});
    run({"lvchange", "-qy", "--errorwhenfull", "y", "vg-a/pool"});
    run({"lvcreate", "-qy", "-L", "16m", "-n", "source", k_group});
    write_device("/dev/vg-a/source", 0, noise(16 * k_mib, 3));
  }
  void TearDown() override {
    run({"lvremove", "-qy", "vg-a/source", "vg-a/pool"});
    Volume::TearDown();
  }
};

TEST_F(Thin, TakesOnlyWhatIsWritten) {
  write_device("/dev/vg-a/source", 0, std::vector<std::byte>(2 * k_mib));
  PreparedJob job("/dev/vg-a/source", {k_group, "pool"}, {{{6 * k_mib}, {8 * k_mib}}});
  EXPECT_THAT(job.view().steps.front().what, HasSubstr("create the thin volume vg-a/web-vda: "));
  const auto error = job.carry_out();
  ASSERT_FALSE(error) << error->message();
  EXPECT_EQ(made()->pool, "pool");
  EXPECT_EQ(made()->size.value, 16 * k_mib);
  // 8 MiB are needed, 2 of them are zeros and not written either.
  EXPECT_EQ(percent_of("pool"), 100.0 * 6 / 32);
  EXPECT_TRUE(is_all(read_device(k_path, 6 * k_mib, 8 * k_mib), 0));
  EXPECT_TRUE(read_device(k_path, 2 * k_mib, 4 * k_mib) ==
              read_device("/dev/vg-a/source", 2 * k_mib, 4 * k_mib));
  job.undo();
  EXPECT_EQ(percent_of("pool"), 0.0);
}

TEST_F(Thin, IsRefusedWhereThePoolHasTooLittleRoom) {
  run({"lvcreate", "-qy", "-V", "32m", "--thinpool", "pool", "-n", "other", k_group});
  write_device("/dev/vg-a/other", 0, noise(16 * k_mib, 4));
  const Place place(model::VolumeGroupTarget{k_group, "pool"}, "", commands());
  const auto findings_for = [&](std::uint64_t bytes) {
    plan::TargetFacts facts;
    place.look_for_room(facts, {bytes});
    return plan::check_target(facts);
  };
  EXPECT_TRUE(findings_for(15 * k_mib).empty());
  const model::Findings findings = findings_for(17 * k_mib);
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].id, "no-space");
  EXPECT_EQ(findings[0].severity, model::Severity::blocks);
  EXPECT_THAT(findings[0].message, HasSubstr("the thin pool vg-a/pool has 16777216 bytes free"));
}

// Another guest takes the room between the check and the copy.
TEST_F(Thin, IsRemovedWhenThePoolRunsOut) {
  run({"lvcreate", "-qy", "-V", "32m", "--thinpool", "pool", "-n", "other", k_group});
  PreparedJob job("/dev/vg-a/source", {k_group, "pool"});
  write_device("/dev/vg-a/other", 0, noise(24 * k_mib, 4));
  const auto error = job.carry_out();
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::io);
  EXPECT_THAT(error->message(), HasSubstr("/dev/vg-a/web-vda"));
  EXPECT_THAT(error->message(), HasSubstr("what it lies on is full"));
  EXPECT_FALSE(made());
  EXPECT_EQ(job.view().state_text(), "failed");
  EXPECT_TRUE(read_device("/dev/vg-a/other", 0, 24 * k_mib) == noise(24 * k_mib, 4));
  EXPECT_EQ(percent_of("pool"), 75.0);
}

// What the guest's disk holds is a group of this host's name. It stays unknown to the host.
TEST_F(Volume, WithAGuestsGroupInsideLeavesTheHostsAlone) {
  const std::string only = std::string("devices{filter=[\"a|") + k_spare_disk +
                           "$|\",\"r|.*|\"] "
                           "types=[\"ubd\",16]}";
  const auto in_guest = [&](std::vector<std::string> words) {
    words.insert(words.begin() + 1, {"--config", only});
    run(words);
  };
  run({"wipefs", "-qa", k_spare_disk});
  in_guest({"pvcreate", "-qy", k_spare_disk});
  in_guest({"vgcreate", "-q", k_group, k_spare_disk});
  in_guest({"lvcreate", "-qy", "-an", "-Zn", "-Wn", "-l", "3", "-n", "root", k_group});
  const std::vector<std::byte> content = read_device(k_spare_disk, 0, 16 * k_mib);
  run({"wipefs", "-qa", k_spare_disk});
  run({"lvcreate", "-qy", "-L", "16m", "-n", "source", k_group});
  write_device("/dev/vg-a/source", 0, content);
  EXPECT_THAT(run({"blkid", "-p", "/dev/vg-a/source"}), HasSubstr("LVM2_member"));
  const std::string with_source = lvm_state();

  PreparedJob job("/dev/vg-a/source", {k_group, ""});
  const auto error = job.carry_out();
  ASSERT_FALSE(error) << error->message();
  run({"udevadm", "trigger", "--settle", k_path.string()});
  run({"udevadm", "settle"});
  EXPECT_TRUE(read_device(k_path, 0, 16 * k_mib) == content);
  EXPECT_FALSE(std::filesystem::exists("/dev/vg-a/root"));
  EXPECT_EQ(host::volume_group(commands(), k_group).name, k_group) << "still one of that name";
  EXPECT_THAT(run({"dmsetup", "ls"}), testing::Not(HasSubstr("root")));
  job.undo();
  EXPECT_EQ(lvm_state(), with_source);
  run({"lvremove", "-qy", "vg-a/source"});
}

// The power goes between the moment when LVM has made the volume and the one when that is on
// record.
class Orphan : public Volume {
 protected:
  void SetUp() override {
    Volume::SetUp();
    run({"lvcreate", "-qy", "-L", "8m", "-n", "source", k_group});
    write_device("/dev/vg-a/source", 0, noise(8 * k_mib, 5));
    job.emplace("/dev/vg-a/source", model::VolumeGroupTarget{k_group, ""});
    job->die_when_the_volume_is_made();
    ASSERT_TRUE(made());
    EXPECT_EQ(job->view().state_text(), "killed");
  }
  void TearDown() override {
    run({"lvremove", "-qy", "vg-a/source"});
    Volume::TearDown();
  }

  std::optional<PreparedJob> job;
};

TEST_F(Orphan, IsTakenBack) {
  job->undo();
  EXPECT_FALSE(made());
}

TEST_F(Orphan, IsNotInTheWayOfResume) {
  const std::string uuid = made()->uuid;
  const auto error = job->carry_out();
  ASSERT_FALSE(error) << error->message();
  EXPECT_TRUE(read_device(k_path, 0, 8 * k_mib) == noise(8 * k_mib, 5));
  EXPECT_NE(made()->uuid, uuid);
  job->undo();
}

// A volume of the same name that somebody else made is nobody's orphan.
TEST_F(Volume, OfSomebodyElseStays) {
  run({"lvcreate", "-qy", "-L", "8m", "-n", "source", k_group});
  PreparedJob job("/dev/vg-a/source", {k_group, ""});
  run({"lvcreate", "-qy", "-l", "1", "-n", "web-vda", k_group});
  const std::string uuid = made()->uuid;
  const auto error = job.carry_out();
  ASSERT_TRUE(error);
  EXPECT_THAT(error->message(), HasSubstr("the volume vg-a/web-vda exists already"));
  EXPECT_EQ(made()->uuid, uuid);
  run({"lvremove", "-qy", "vg-a/source", "vg-a/web-vda"});
}

}  // namespace
}  // namespace vmconvert::job
