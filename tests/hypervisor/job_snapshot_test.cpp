// Guests that run: their volumes are read through snapshots, which go whatever becomes of the job.
#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "base/fd.hpp"
#include "base/text.hpp"
#include "host/lvm.hpp"
#include "job/conversion.hpp"
#include "job/source_snapshots.hpp"
#include "job_support.hpp"

namespace vmconvert::job {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::SizeIs;

constexpr std::uint64_t k_size = 16 * k_mib;
constexpr const char* k_source = "/dev/vg-a/source";
constexpr const char* k_target = "/dev/vg-a/web-vda";
const model::SnapshotSize k_room{{12 * k_mib}, 0};

// Names of the volumes that stand in for others.
std::vector<std::string> snapshots() {
  return words(run({"lvs", "--noheadings", "-o", "lv_name", "-S", "lv_name=~^vmconvert", k_group}));
}

class LiveSource : public testing::Test {
 protected:
  void SetUp() override {
    run({"lvcreate", "-qy", "-L", "16m", "-n", "source", k_group});
    write_device(k_source, 0, noise(k_size, 7));
    before = read_device(k_source, 0, k_size);
    state_before = lvm_state();
  }
  void TearDown() override {
    EXPECT_EQ(lvm_state(), state_before);
    run({"lvremove", "-qy", "vg-a/source"});
  }
  // As `plan` and its like begin: nothing of it is in the journal.
  Request looking(const std::string& source = k_source) {
    const fs::path xml = folder.path() / "web.xml";
    std::ofstream(xml, std::ios::trunc) << description(source, " id='3'");
    Request request;
    request.source = {xml.string(), ""};
    request.snapshot = k_room;
    request.state_dir = folder.path() / "state";
    fs::create_directory(request.state_dir);
    fs::permissions(request.state_dir, fs::perms::owner_all);
    return request;
  }

  TempDir folder{fs::temp_directory_path(), "vmconvert-live"};
  std::vector<std::byte> before;
  std::string state_before;
};

TEST_F(LiveSource, IsCopiedAsItWasAtOneMoment) {
  PreparedJob job(k_source, {k_group, ""}, {}, disk::OnBadSector::stop, k_room);
  ASSERT_THAT(snapshots(), SizeIs(1));
  const Fd guest = open_file(k_source, O_RDWR);
  write_device(k_source, 3 * k_mib, noise(4 * k_mib, 8));
  const auto error = job.carry_out();
  ASSERT_FALSE(error) << to_text(*error);
  EXPECT_THAT(snapshots(), SizeIs(0));
  EXPECT_TRUE(read_device(k_target, 0, k_size) == before);
  EXPECT_TRUE(read_device(k_source, 3 * k_mib, 4 * k_mib) == noise(4 * k_mib, 8));
  EXPECT_EQ(job.result().disks.at(0).source, k_source);
  const auto tags = host::logical_volume(commands(), {k_group, "web-vda"})->tags;
  EXPECT_THAT(tags, testing::Contains("vmconvert.source=/dev/vg-a/source"));
  EXPECT_THAT(verify_job(job.state(), job.id(), commands(), {}), SizeIs(1));
  job.undo();
}

// The guest writes more than there is room for, in the middle of the copy. Not even a map of bad
// sectors may hide that.
TEST_F(LiveSource, FailsWhenItsSnapshotOverflows) {
  for (const auto on_bad_sector : {disk::OnBadSector::stop, disk::OnBadSector::map}) {
    PreparedJob job(k_source, {k_group, ""}, {}, on_bad_sector, model::SnapshotSize{{1}, 0});
    bool written = false;
    const auto error = job.carry_out([&](const model::Progress& progress) {
      if (progress.stage == "copy" && !std::exchange(written, true)) {
        write_device(k_source, 0, noise(k_size, 9));
      }
    });
    ASSERT_TRUE(error && written);
    EXPECT_EQ(error->kind(), ErrorKind::io);
    EXPECT_THAT(error->message(), HasSubstr("overflowed"));
    EXPECT_THAT(snapshots(), SizeIs(0));
    EXPECT_FALSE(fs::exists(k_target));
    EXPECT_EQ(job.view().state_text(), "failed");
    EXPECT_TRUE(read_device(k_source, 0, k_size) == noise(k_size, 9)) << "the guest goes on";
  }
}

TEST_F(LiveSource, CannotGoOnWithoutItsSnapshot) {
  PreparedJob job(k_source, {k_group, ""}, {}, disk::OnBadSector::stop, k_room);
  run({"lvremove", "-qy", std::string(k_group) + "/" + snapshots().at(0)});
  try {
    static_cast<void>(job.carry_out());
    ADD_FAILURE() << "it went on";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::refused);
    EXPECT_THAT(error.message(), HasSubstr("is gone"));
    EXPECT_THAT(error.remedy(), HasSubstr("undo " + job.id()));
  }
  job.undo();
}

TEST_F(LiveSource, LosesItsSnapshotWhenAnUnfinishedJobIsTakenBack) {
  PreparedJob job(k_source, {k_group, ""}, {}, disk::OnBadSector::stop,
                  model::SnapshotSize{{}, 50});
  ASSERT_THAT(snapshots(), SizeIs(1));
  // Of a snapshot LVM tells the room, not what it shows.
  const auto row = run({"lvs", "--noheadings", "--nosuffix", "--units", "b", "-o", "lv_size", "-S",
                        "lv_name=~^vmconvert", k_group});
  EXPECT_EQ(parse_number(trim(row)), k_size / 2);
  job.undo();
  EXPECT_THAT(snapshots(), SizeIs(0));
  EXPECT_EQ(job.view().state_text(), "undone");
}

TEST_F(LiveSource, IsLookedAtThroughASnapshotThatGoesWithTheLook) {
  {
    Conversion look(looking(), tools(commands()));
    look.read_source();
    ASSERT_THAT(snapshots(), SizeIs(1));
    EXPECT_EQ(look.domain().disks.at(0).source.filename(), snapshots().at(0));
    std::vector<std::string> ids;
    for (const model::Finding& finding : look.result().findings) {
      ids.push_back(finding.id);
    }
    EXPECT_THAT(ids, testing::IsSupersetOf({"source-live", "source-snapshots"}));
  }
  EXPECT_THAT(snapshots(), SizeIs(0));
}

TEST_F(LiveSource, IsReadByNobodyWhereNoSnapshotCanBeTaken) {
  Request request = looking(k_spare_disk);
  try {
    Conversion(request, tools(commands())).read_source();
    ADD_FAILURE() << "it was read";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::refused);
    EXPECT_THAT(error.message(),
                HasSubstr("[snapshot-impossible] no snapshot of xvda (/dev/ubdb) can be taken: it "
                          "is no logical volume of this host"));
  }
  request.accepted = {"snapshot-impossible"};
  Conversion look(request, tools(commands()));
  look.read_source();
  EXPECT_EQ(look.domain().disks.at(0).source, k_spare_disk);
}

TEST_F(LiveSource, LeavesNothingWhereTheGroupHasNoRoom) {
  Request request = looking();
  request.snapshot = model::SnapshotSize{{k_gib}, 0};
  try {
    Conversion(request, tools(commands())).read_source();
    ADD_FAILURE() << "there was room";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::io);
    EXPECT_THAT(error.message(), HasSubstr(k_group));
  }
  EXPECT_THAT(snapshots(), SizeIs(0));
}

// Killed when LVM had made it and nobody had written down its UUID. The next run finds it.
TEST_F(LiveSource, LosesTheSnapshotOfAKilledLookAtTheNextOne) {
  const Request request = looking();
  const pid_t child = ::fork();
  if (child == 0) {
    DyingRunner dying;
    Conversion(request, tools(dying)).read_source();
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  const auto left = snapshots();
  ASSERT_THAT(left, SizeIs(1));
  {
    Conversion next(request, tools(commands()));
    next.read_source();
    ASSERT_THAT(snapshots(), SizeIs(1));
    EXPECT_NE(snapshots(), left);
  }
  EXPECT_THAT(snapshots(), SizeIs(0));
}

TEST_F(LiveSource, IsReadThroughAThinSnapshotInAPool) {
  run({"lvcreate", "-qy", "-L", "32m", "--type", "thin-pool", "-n", "pool", k_group});
  run({"lvcreate", "-qy", "-V", "16m", "--thinpool", "pool", "-n", "thin", k_group});
  write_device("/dev/vg-a/thin", 0, noise(k_size, 10));
  {
    PreparedJob job("/dev/vg-a/thin", {k_group, ""}, {}, disk::OnBadSector::stop, k_room);
    write_device("/dev/vg-a/thin", 0, noise(k_mib, 11));
    const auto error = job.carry_out();
    ASSERT_FALSE(error) << to_text(*error);
    EXPECT_TRUE(read_device(k_target, 0, k_size) == noise(k_size, 10));
    EXPECT_THAT(snapshots(), SizeIs(0));
    job.undo();
  }
  run({"lvremove", "-qy", "vg-a/thin", "vg-a/pool"});
}

}  // namespace
}  // namespace vmconvert::job
