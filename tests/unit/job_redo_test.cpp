// A finished job's definition, made anew on libvirt's test driver, which forgets all when its last
// connection closes: each test holds one.
#include "job/redo.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/temp_dir.hpp"
#include "host/domain_state.hpp"
#include "job/definition.hpp"
#include "job/job_control.hpp"
#include "job/made.hpp"
#include "job/workspace.hpp"
#include "test_paths.hpp"
#include "unit/error_of.hpp"

namespace vmconvert::job {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr const char* k_uri = "test:///default";
constexpr const char* k_uuid = "c0ffee00-1111-4222-8333-444455556601";
constexpr const char* k_source =
    "<domain type='xen'><name>web01</name><uuid>c0ffee00-1111-4222-8333-444455556601</uuid>"
    "<memory unit='KiB'>524288</memory><vcpu>1</vcpu><bootloader>/usr/bin/pygrub</bootloader>"
    "<os><type arch='i686' machine='xenpv'>linux</type></os><devices>"
    "<disk type='block' device='disk'><driver name='phy'/><source dev='/dev/vg0/web01'/>"
    "<target dev='xvda' bus='xen'/></disk><interface type='bridge'>"
    "<mac address='00:16:3e:00:00:01'/><source bridge='xenbr0'/></interface></devices></domain>";

class RedoTest : public testing::Test {
 protected:
  void SetUp() override {
    const Workspace workspace(m_state.path());
    m_id = workspace.job_id();
    m_keep = workspace.keep();
    m_kept.job.request.source = {"/etc/xen/web01.cfg", ""};
    m_kept.job.request.storage = model::DirectoryTarget{m_out.path(), model::DiskFormat::raw};
    Definition& definition = m_kept.definition;
    definition.original_xml = k_source;
    definition.first_name = "web01";
    definition.uuid = k_uuid;
    definition.macs = {"00:16:3e:00:00:01"};
    definition.virt_type = "test";
    definition.disks = {{"vda", m_out.path() / "web01-vda.raw", model::DiskFormat::raw}};
    definition.description = m_out.path() / "web01.xml";
    definition.target_uri = k_uri;
    keep_definition(m_keep, m_kept);

    std::ofstream(m_out.path() / "web01-vda.raw") << "disk";
    std::ofstream(definition.description) << "old\n";
    MadeFile disk = identify_file(m_out.path() / "web01-vda.raw");
    disk.disk = "vda";
    Journal journal(m_state.path());
    journal.add({m_id, "web01", "web01", "/etc/xen/web01.cfg", JobState::done, "", 0, 0, "0.1.0"});
    journal.set_steps(m_id, {"create", "write", "define"});
    for (const unsigned step : {1U, 2U, 3U}) {
      journal.begin_step(m_id, step);
      journal.finish_step(m_id, step);
    }
    journal.note_made(m_id, 1, to_json(Made{disk}));
    journal.note_made(m_id, 2, to_json(Made{identify_file(definition.description)}));
    journal.note_made(m_id, 3, to_json(Made{MadeDomain{k_uri, "web01", k_uuid}}));
    static_cast<void>(m_host.define(
        "<domain type='test'><name>web01</name><uuid>c0ffee00-1111-4222-8333-444455556601</uuid>"
        "<memory>524288</memory><os><type arch='i686'>hvm</type></os></domain>"));
  }

  Redone redo(const RedoWishes& wishes) {
    return redo_definition(m_state.path(), m_id, wishes,
                           {m_commands, {}, test::source_dir() / "templates", {}, {}, "0.1.0", {}});
  }
  [[nodiscard]] JobView job() const { return find_job(m_state.path(), m_id); }
  [[nodiscard]] std::string file(const std::string& name) const {
    return fs::exists(m_out.path() / name) ? read_text_file(m_out.path() / name) : "";
  }

  host::Connection m_host = host::Connection::open(k_uri, host::Access::read_write);
  TempDir m_state{fs::temp_directory_path(), "vmconvert-redo"};
  TempDir m_out{fs::temp_directory_path(), "vmconvert-redo-out"};
  RealCommandRunner m_commands;
  KeptDefinition m_kept;
  std::string m_id;
  fs::path m_keep;
};

TEST_F(RedoTest, WhatIsKeptComesBackAsItWas) {
  const auto back = load_definition(m_keep);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->definition.original_xml, k_source);
  EXPECT_EQ(back->definition.uuid, k_uuid);
  EXPECT_EQ(back->definition.macs, m_kept.definition.macs);
  EXPECT_EQ(back->definition.virt_type, "test");
  EXPECT_EQ(back->definition.description, m_kept.definition.description);
  ASSERT_EQ(back->definition.disks.size(), 1U);
  EXPECT_EQ(back->definition.disks[0].path, m_out.path() / "web01-vda.raw");
  EXPECT_EQ(back->definition.disks[0].target, "vda");
  EXPECT_EQ(back->job.request.source.text, "/etc/xen/web01.cfg");
  std::ofstream(m_keep / "definition.json") << "{}";
  EXPECT_EQ(error_of([&] { redo({}); }).kind(), ErrorKind::bad_input);
  fs::remove(m_keep / "definition.json");
  EXPECT_EQ(error_of([&] { redo({}); }).kind(), ErrorKind::unsupported);
}

TEST_F(RedoTest, UnderItsNameItIsRedefinedWithOtherAdjustments) {
  host::set_autostart(m_host, "web01", true);
  RedoWishes wishes;
  wishes.adjustments.memory = ByteCount{2 * k_gib};
  wishes.adjustments.bridges = {{"xenbr0", "br0"}};
  const Redone done = redo(wishes);
  EXPECT_EQ(done.name, "web01");
  EXPECT_EQ(done.defined_on, k_uri);
  const std::string xml = m_host.domain_xml(k_uuid);
  EXPECT_THAT(xml, HasSubstr("2097152"));
  EXPECT_THAT(xml, HasSubstr("<source bridge='br0'/>"));
  EXPECT_THAT(xml, HasSubstr("00:16:3e:00:00:01"));
  EXPECT_THAT(xml, HasSubstr((m_out.path() / "web01-vda.raw").string()));
  EXPECT_EQ(host::domain_state(m_host, "web01")->autostart, std::optional(true));
  EXPECT_THAT(file("web01.xml"), HasSubstr("br0"));
  EXPECT_THAT(done.diff, HasSubstr("-old\n"));

  wishes = {};  // what was wished before stays
  wishes.adjustments.vcpus = 3;
  redo(wishes);
  EXPECT_THAT(m_host.domain_xml(k_uuid), HasSubstr("2097152"));
  EXPECT_THAT(m_host.domain_xml(k_uuid), HasSubstr(">3</vcpu>"));
  EXPECT_THAT(m_host.domain_xml(k_uuid), HasSubstr("<source bridge='br0'/>"));
  EXPECT_EQ(file("web01-vda.raw"), "disk");
}

TEST_F(RedoTest, UnderAnotherNameTheOldOneGoesAndUndoKnowsTheNewOne) {
  const Redone done = redo({"web02", {}, "", "", false});
  EXPECT_EQ(done.description, m_out.path() / "web02.xml");
  EXPECT_FALSE(m_host.domain_exists("web01"));
  EXPECT_THAT(m_host.domain_xml("web02"), HasSubstr(k_uuid));
  EXPECT_EQ(file("web01.xml"), "");
  EXPECT_EQ(job().record.name, "web02");
  EXPECT_EQ(job().record.guest, "web01");
  EXPECT_EQ(job().record.state, JobState::done);
  EXPECT_THAT(job().steps.at(2).what, HasSubstr("define web02"));
  redo({"web03", {}, "", "", false});
  EXPECT_FALSE(m_host.domain_exists("web02"));
  undo_job(m_state.path(), m_id, m_commands);
  EXPECT_FALSE(m_host.domain_exists("web03"));
  EXPECT_TRUE(fs::is_empty(m_out.path()));
}

TEST_F(RedoTest, WhatCannotBeDefinedLeavesTheOldOne) {
  // Which the schema allows and libvirt does not: two disks by one name.
  m_kept.definition.disks.push_back(m_kept.definition.disks.front());
  keep_definition(m_keep, m_kept);
  host::set_autostart(m_host, "web01", true);
  EXPECT_EQ(error_of([&] { redo({"web02", {}, "", "", false}); }).kind(), ErrorKind::tool_failed);
  EXPECT_FALSE(m_host.domain_exists("web02"));
  ASSERT_TRUE(m_host.domain_exists("web01"));
  EXPECT_EQ(host::domain_state(m_host, "web01")->autostart, std::optional(true));
  EXPECT_EQ(file("web01.xml"), "old\n");
  EXPECT_FALSE(fs::exists(m_out.path() / "web02.xml"));
  EXPECT_EQ(job().record.name, "web01");
  undo_job(m_state.path(), m_id, m_commands);
  EXPECT_FALSE(m_host.domain_exists("web01"));
  EXPECT_TRUE(fs::is_empty(m_out.path()));
}

TEST_F(RedoTest, ANameThatIsTakenIsRefusedBeforeAnythingIsDone) {
  EXPECT_EQ(error_of([&] { redo({"test", {}, "", "", false}); }).kind(), ErrorKind::refused);
  std::ofstream(m_out.path() / "web02.xml") << "another's";
  EXPECT_EQ(error_of([&] { redo({"web02", {}, "", "", false}); }).kind(), ErrorKind::refused);
  EXPECT_NE(error_of([&] { redo({"../web02", {}, "", "", false}); }).kind(), ErrorKind::internal);
  EXPECT_TRUE(m_host.domain_exists("web01"));
  EXPECT_EQ(file("web01.xml"), "old\n");
  EXPECT_EQ(file("web02.xml"), "another's");
}

TEST_F(RedoTest, ADomainThatRunsIsNotRenamed) {
  m_host.start("web01");
  EXPECT_EQ(error_of([&] { redo({"web02", {}, "", "", false}); }).kind(), ErrorKind::refused);
  EXPECT_TRUE(m_host.is_active("web01"));
  RedoWishes wishes;
  wishes.adjustments.vcpus = 2;
  redo(wishes);
  EXPECT_TRUE(m_host.is_active("web01"));
  EXPECT_THAT(m_host.domain_xml("web01"), HasSubstr(">2</vcpu>")) << "from its next start on";
}

TEST_F(RedoTest, AJobThatDefinedNothingIsDefinedWhereOneNamesAConnection) {
  m_host.undefine(k_uuid);
  Journal journal(m_state.path());
  journal.set_steps(m_id, {"create", "write"});
  MadeFile disk = identify_file(m_out.path() / "web01-vda.raw");
  disk.disk = "vda";
  journal.note_made(m_id, 1, to_json(Made{disk}));
  journal.note_made(m_id, 2, to_json(Made{identify_file(m_out.path() / "web01.xml")}));
  EXPECT_EQ(redo({}).defined_on, "");
  EXPECT_THAT(file("web01.xml"), HasSubstr("<name>web01</name>"));
  EXPECT_EQ(error_of([&] { redo({"", {}, "", "", true}); }).kind(), ErrorKind::usage);
  EXPECT_TRUE(redo({"", {}, k_uri, "", true}).started);
  EXPECT_TRUE(m_host.is_active("web01"));
  EXPECT_THAT(job().steps.at(2).what, HasSubstr("define web01 on test:///default"));
}

TEST_F(RedoTest, OnlyAFinishedJobWithItsDisksHasADefinition) {
  Journal(m_state.path()).set_state(m_id, JobState::interrupted, "SIGINT");
  EXPECT_EQ(error_of([&] { redo({}); }).kind(), ErrorKind::usage);
  Journal(m_state.path()).set_state(m_id, JobState::done);
  fs::remove(m_out.path() / "web01-vda.raw");
  const Error error = error_of([&] { redo({}); });
  EXPECT_EQ(error.kind(), ErrorKind::refused);
  EXPECT_THAT(error.message(), HasSubstr("web01-vda.raw"));
  EXPECT_TRUE(m_host.domain_exists("web01"));
}

TEST_F(RedoTest, ItIsNotStartedBesideItsSource) {
  m_kept.job.request.source = {"test", k_uri};
  keep_definition(m_keep, m_kept);
  Journal(m_state.path()).rename(m_id, "test", "web01");  // the driver's own domain runs
  EXPECT_EQ(error_of([&] { redo({"", {}, "", "", true}); }).kind(), ErrorKind::refused);
  EXPECT_FALSE(m_host.is_active("web01"));
  EXPECT_EQ(file("web01.xml"), "old\n");
}

}  // namespace
}  // namespace vmconvert::job
