// What happens on real LVM is in tests/hypervisor/job_snapshot_test.cpp.
#include "job/source_snapshots.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "base/temp_dir.hpp"
#include "base/text.hpp"
#include "host_lvm_support.hpp"
#include "job/journal.hpp"
#include "job/workspace.hpp"

namespace vmconvert::job {
namespace {

namespace fs = std::filesystem;
using host::FakeLvm;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr const char* k_job = "20261121T041500-3f2a";
constexpr const char* k_name = "vmconvert-20261121T041500-3f2a-1";
constexpr const char* k_row =
    R"({"report":[{"lv":[{"lv_uuid":"AAAAAA-1111-2222-3333-4444-5555-BBBBBB","lv_name":"NAME",)"
    R"("vg_name":"vg0","lv_size":"12582912","lv_attr":"-wi-a-----","lv_path":"/dev/vg0/NAME",)"
    R"("lv_tags":"TAGS","origin":"","pool_lv":"","data_percent":"","metadata_percent":"",)"
    R"("chunk_size":"0","lv_metadata_size":"","zero":"unknown","segtype":"linear"}]}]})";

model::Domain guest(const fs::path& source) {
  model::Domain domain;
  domain.name = "web01";
  domain.disks.push_back({"xvda", "xen", model::DiskDevice::disk, source});
  return domain;
}

class Snapshots : public testing::Test {
 protected:
  Snapshots() {
    fs::permissions(m_state.path(), fs::perms::owner_all);
    fs::create_directories(m_job / "scratch");
    m_fake.answer("vgs", host::recorded("groups.json"));
    m_fake.answer("lvs", host::recorded("volumes.json"));
    m_fake.answer("lvremove", "");
  }
  [[nodiscard]] std::string note() const {
    return fs::exists(m_note) ? read_text_file(m_note) : std::string();
  }
  // As a process leaves it that is killed while LVM makes the snapshot, which is there by now.
  void leave_one() {
    const MadeVolume made{"vg0", k_name, "", "xvda", k_job};
    std::ofstream(m_note) << nlohmann::json{
        {"version", 1},
        {"snapshots",
         {{{"origin", "/dev/vg0/thick"}, {"path", "/dev/vg0/x"}, {"made", to_json(made)}}}}};
    const std::string tags = std::string("vmconvert,vmconvert.job=") + k_job;
    m_fake.answer("lvs", replace_all(replace_all(k_row, "NAME", k_name), "TAGS", tags));
  }

  TempDir m_state{fs::temp_directory_path(), "vmconvert-snapshots"};
  fs::path m_job = m_state.path() / "jobs" / k_job;
  fs::path m_note = m_job / k_snapshots_file;
  FakeLvm m_fake;
};

TEST_F(Snapshots, AreWrittenDownBeforeTheyAreMade) {
  std::string seen;
  m_fake.answers["lvcreate"] = [&](const Command&) {
    seen = note();
    return FakeLvm::result({}, 5, "  no\n");
  };
  {
    SourceSnapshots snapshots(m_job, k_job, m_fake);
    EXPECT_EQ(error_of([&] {
                static_cast<void>(snapshots.take(guest("/dev/vg0/thick"), {{k_mib}, 0}, {}));
              }).kind(),
              ErrorKind::tool_failed);
  }
  EXPECT_THAT(seen, HasSubstr(k_name));
  EXPECT_THAT(seen, HasSubstr("/dev/vg0/thick"));
  EXPECT_EQ(note(), "") << "nothing was made";
  ASSERT_THAT(m_fake.all("lvremove"), SizeIs(1)) << "whatever lvcreate may have made";
  EXPECT_THAT(m_fake.all("lvremove")[0].argv, testing::Contains("--select"));
}

TEST_F(Snapshots, AreNotTakenOfWhatIsNoVolume) {
  const fs::path file = m_state.path() / "disk.img";
  std::ofstream(file) << "x";
  SourceSnapshots snapshots(m_job, k_job, m_fake);
  const auto findings = snapshots.take(guest(file), {{}, 10}, {});
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_EQ(findings[0].id, "snapshot-impossible");
  EXPECT_EQ(findings[0].severity, model::Severity::blocks);
  EXPECT_THAT(findings[0].message, HasSubstr("it is no logical volume of this host"));
  EXPECT_THAT(snapshots.take(guest("/dev/vg0/snap"), {{}, 10}, {})[0].message,
              HasSubstr("vg0/snap is a snapshot or a pool itself"));
  auto image = guest("/dev/vg0/thick");
  image.disks[0].format = model::DiskFormat::qcow2;
  EXPECT_THAT(snapshots.take(image, {{}, 10}, {})[0].message, HasSubstr("its format is qcow2"));
}

TEST_F(Snapshots, OfAKilledRunGoByTheirTag) {
  leave_one();
  sweep_snapshots(m_state.path(), m_fake);
  ASSERT_THAT(m_fake.all("lvremove"), SizeIs(1));
  EXPECT_EQ(m_fake.all("lvremove")[0].argv.back(), std::string("vg0/") + k_name);
  EXPECT_EQ(note(), "");
}

TEST_F(Snapshots, OfAnotherJobOfTheNameStay) {
  leave_one();
  std::string row = m_fake.answers["lvs"](Command{}).out;
  const auto tag = row.find("vmconvert.job=");
  row.replace(tag, std::string("vmconvert.job=20261121").size(), "vmconvert.job=20250101");
  m_fake.answer("lvs", row);
  sweep_snapshots(m_state.path(), m_fake);
  EXPECT_THAT(m_fake.all("lvremove"), IsEmpty());
}

TEST_F(Snapshots, OfAJobThatCanGoOnStay) {
  leave_one();
  Journal journal(m_state.path());
  journal.add({k_job, "web01", "web01", "web01.xml", JobState::interrupted, "", 0, 0, "0"});
  sweep_snapshots(m_state.path(), m_fake);
  EXPECT_THAT(m_fake.all("lvremove"), IsEmpty());
  EXPECT_THAT(note(), HasSubstr(k_name));
  sweep(m_state.path(), {});
  EXPECT_TRUE(fs::exists(m_note)) << "a folder that knows of a snapshot is kept";
  journal.set_state(k_job, JobState::done);  // killed before it could remove them
  sweep_snapshots(m_state.path(), m_fake);
  EXPECT_THAT(m_fake.all("lvremove"), SizeIs(1));
}

TEST_F(Snapshots, OfADamagedNoteAreNamedByTheirTag) {
  std::ofstream(m_note) << "{";
  SourceSnapshots snapshots(m_job, k_job, m_fake);
  const Error error = error_of([&] { snapshots.reopen(); });
  EXPECT_EQ(error.kind(), ErrorKind::bad_input);
  EXPECT_THAT(error.remedy(), HasSubstr(std::string("vmconvert.job=") + k_job));
}

}  // namespace
}  // namespace vmconvert::job
