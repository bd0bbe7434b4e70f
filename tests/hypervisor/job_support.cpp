#include "job_support.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <random>

#include "base/fd.hpp"
#include "base/text.hpp"
#include "disk/extent_map.hpp"
#include "disk/overlay.hpp"
#include "disk/probe.hpp"
#include "disk/source.hpp"
#include "domain/read.hpp"
#include "job/conversion.hpp"
#include "job/place.hpp"
#include "job/saved_job.hpp"
#include "job/source_snapshots.hpp"
#include "job/workspace.hpp"
#include "plan/layout.hpp"
#include "test_paths.hpp"

namespace vmconvert::job {
namespace {

namespace fs = std::filesystem;

constexpr const char* k_name = "web";

}  // namespace

CommandResult DyingRunner::run(const Command& command) {
  const CommandResult result = commands().run(command);
  if (std::find(command.argv.begin(), command.argv.end(), "lvcreate") != command.argv.end()) {
    ::kill(::getpid(), SIGKILL);
  }
  return result;
}

Tools tools(CommandRunner& runner) {
  const fs::path build = vmconvert::test::build_dir();
  return {runner,
          {},
          vmconvert::test::source_dir() / "templates",
          {build / "fixers"},
          build / "nbdkit",
          "0",
          build / "vmconvert-allocation"};
}

std::string description(const fs::path& source, const std::string& attributes) {
  return fmt::format(
      "<domain type='xen'{}><name>{}</name><uuid>081fa77d-3288-5374-877a-fe68c4dc74a5</uuid>"
      "<memory unit='KiB'>65536</memory><os><type>hvm</type></os><devices>"
      "<disk type='block' device='disk'><driver name='phy'/><source dev='{}'/>"
      "<target dev='xvda' bus='xen'/></disk></devices></domain>",
      attributes, k_name, source.string());
}

RealCommandRunner& commands() {
  static RealCommandRunner runner;
  return runner;
}

std::string run(const std::vector<std::string>& argv) {
  return run_or_throw(commands(), {argv});
}

std::string lvm_state() {
  return run({"vgs", "--noheadings", "-o", "vg_name,vg_uuid"}) +
         run({"lvs", "--noheadings", "-o", "vg_name,lv_name,lv_uuid,lv_active"}) +
         run({"dmsetup", "ls"});
}

std::vector<std::byte> read_device(const fs::path& device, std::uint64_t offset,
                                   std::uint64_t length) {
  std::vector<std::byte> bytes(length);
  pread_exactly(open_file(device, O_RDONLY).get(), bytes, offset, device.string());
  return bytes;
}

void write_device(const fs::path& device, std::uint64_t offset,
                  const std::vector<std::byte>& bytes) {
  const Fd fd = open_file(device, O_WRONLY);
  pwrite_exactly(fd.get(), bytes, offset, device.string());
  if (::fsync(fd.get()) != 0) {
    throw_errno(errno, device.string());
  }
}

std::vector<std::byte> noise(std::uint64_t length, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<std::byte> bytes(length);
  std::generate(bytes.begin(), bytes.end(), [&] { return static_cast<std::byte>(random() | 1U); });
  return bytes;
}

bool is_all(const std::vector<std::byte>& bytes, unsigned char value) {
  return std::all_of(bytes.begin(), bytes.end(),
                     [&](std::byte b) { return b == std::byte{value}; });
}

PreparedJob::PreparedJob(const fs::path& source, const model::VolumeGroupTarget& target,
                         const std::vector<model::ByteRange>& free, disk::OnBadSector on_bad_sector,
                         const std::optional<model::SnapshotSize>& snapshot) {
  Request request;
  request.source = {"web.xml", ""};
  request.storage = target;
  request.define = false;
  request.on_bad_sector = on_bad_sector;
  request.snapshot = snapshot;
  request.record = true;
  request.state_dir = m_state.path();
  model::Domain domain = domain::read_domain_xml(description(source), "the test");
  Workspace workspace(m_state.path());
  workspace.keep_scratch();
  m_id = workspace.job_id();
  if (snapshot) {
    SourceSnapshots snapshots(workspace.folder(), m_id, commands());
    snapshots.keep();
    static_cast<void>(snapshots.take(domain, *snapshot, {}));
    snapshots.put_in_place(domain);
  }
  const model::Layout layout =
      plan::make_layout(domain, {disk::probe(domain.disks.at(0), commands(), on_bad_sector)});
  const model::TargetDisk& disk = layout.disks.at(0);

  const fs::path overlay = workspace.scratch() / (disk.name + ".overlay.qcow2");
  disk::DiskSource opened(disk, domain,
                          {workspace.scratch(), tools(commands()).nbdkit_plugin, on_bad_sector});
  disk::create_overlay(overlay, opened.backing(), disk.size, commands());
  SavedPlan plan;
  if (snapshot) {
    plan.marks = {disk::mark_source(domain.disks.at(0).source)};
  }
  plan.source_xml = domain.xml;
  plan.domain_xml = "<domain/>";
  plan.extents = {disk::without_free(disk::map_overlay(overlay, disk.size, commands()),
                                     disk::on_target(disk, 0, free))};
  save_job(workspace.folder(), {request, plan});

  const Place place(*request.storage, "", commands());
  const fs::path path = place.disk_path(k_name, disk.name);
  const std::vector<model::Step> steps = {
      place.create_step({disk, {source.string()}, path, {}}, k_name),
      model::CopyDisk{disk.name, path, model::totals(plan.extents.front())},
      model::VerifyDisk{disk.name, path},
      model::WriteDomainXml{workspace.keep() / fmt::format("{}.xml", k_name)}};
  std::vector<std::string> what;
  for (const model::Step& step : steps) {
    what.push_back(model::describe(step));
  }
  Journal journal(m_state.path());
  journal.add({m_id, k_name, k_name, "web.xml", JobState::interrupted, "", 0, 0, "0"});
  journal.set_steps(m_id, what);
}

std::optional<Error> PreparedJob::carry_out(const model::ProgressSink& progress) {
  std::optional<model::Plan> plan;
  Tools with = tools(commands());
  with.progress = progress;
  const auto conversion = Conversion::reopen(m_state.path(), m_id, std::move(with), plan);
  try {
    conversion->carry_out(plan.value());
  } catch (const Error& error) {
    conversion->ended_by(error);
    return error;
  }
  m_result = conversion->result();
  return std::nullopt;
}

void PreparedJob::die_when_the_volume_is_made() {
  const pid_t child = ::fork();
  if (child == 0) {
    DyingRunner dying;
    std::optional<model::Plan> plan;
    Conversion::reopen(m_state.path(), m_id, tools(dying), plan)->carry_out(plan.value());
    ::_exit(0);
  }
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child || !WIFSIGNALED(status)) {
    throw Error(ErrorKind::internal, fmt::format("the child ended with status {}", status));
  }
}

namespace {

// The group vg-a over the first disk, whose extents are full of an earlier owner's data.
class Machine : public testing::Environment {
 public:
  void SetUp() override {
    const char* disks = ::getenv("VMCONVERT_MACHINE_DISKS");
    if (disks == nullptr || words(disks) != std::vector<std::string>{"/dev/ubda", k_spare_disk}) {
      // Never on a host that has volumes of its own.
      FAIL() << "start this through tests/hypervisor/run --disks 2";
    }
    const std::vector<std::byte> rubbish(8 * k_mib, std::byte{k_rubbish});
    for (std::uint64_t at = 0; at < 256 * k_mib; at += rubbish.size()) {
      write_device("/dev/ubda", at, rubbish);
    }
    run({"pvcreate", "-qy", "/dev/ubda"});
    run({"vgcreate", "-q", k_group, "/dev/ubda"});
  }
};

}  // namespace
}  // namespace vmconvert::job

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  testing::AddGlobalTestEnvironment(new vmconvert::job::Machine);  // owned by GoogleTest
  return RUN_ALL_TESTS();
}
