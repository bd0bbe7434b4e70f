// Carrying out the plan: one step after the other, the domain last, each written down before and
// after. What fails is taken back; what is interrupted can go on.
#include <fmt/format.h>

#include <map>
#include <optional>

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/log.hpp"
#include "disk/copy.hpp"
#include "disk/resume.hpp"
#include "disk/verify.hpp"
#include "host/libvirt.hpp"
#include "host/storage_pool.hpp"
#include "job/conversion.hpp"
#include "job/job_control.hpp"
#include "job/rate_limit.hpp"
#include "job/saved_job.hpp"
#include "job/state.hpp"
#include "job/target_disk.hpp"
#include "trial/trial.hpp"

namespace vmconvert::job {
namespace {

namespace fs = std::filesystem;

}  // namespace

// One visitor for all kinds of steps: a new kind does not compile until it is here.
class Conversion::Carrier {
 public:
  // `steps`: what the journal says of each; all pending for a job that begins.
  Carrier(Conversion& owner, const model::Plan& plan, std::vector<StepRecord> steps)
      : m_owner(owner), m_state(*owner.m_state), m_plan(plan), m_steps(std::move(steps)) {}

  // Whether it was done before; then it only takes up what the later ones need.
  void carry_out(std::size_t index);

  void operator()(const model::BootTrial& step);
  void operator()(const model::CreateImage& step);
  void operator()(const model::CreateVolume& step);
  void operator()(const model::CopyDisk& step);
  void operator()(const model::VerifyDisk& step);
  void operator()(const model::RefreshPool& step);
  void operator()(const model::WriteDomainXml& step);
  void operator()(const model::DefineDomain& step);
  void operator()(const model::StartDomain& step);
  void operator()(const model::RunHook& step);

 private:
  std::size_t index_of(const std::string& disk) const;
  disk::Manifest& manifest_of(const std::string& disk);
  [[nodiscard]] bool was_copied(const std::string& disk);
  void note(const Made& made);
  [[nodiscard]] const std::string& made_before() const { return m_steps.at(m_current).made; }
  [[nodiscard]] bool done_before() const { return m_steps.at(m_current).state == StepState::done; }
  void prepare_manifest(const model::CopyDisk& step, std::size_t index, disk::BlockReader& source,
                        disk::BlockReader* overlay);

  Conversion& m_owner;
  State& m_state;
  const model::Plan& m_plan;
  std::vector<StepRecord> m_steps;
  std::size_t m_current = 0;
  std::map<std::string, TargetDisk> m_disks;
  std::map<std::string, disk::Manifest> m_manifests;
};

void Conversion::Carrier::carry_out(std::size_t index) {
  m_current = index;
  const auto number = static_cast<unsigned>(index + 1);
  if (!done_before() && m_state.journal) {
    m_state.journal->begin_step(m_state.workspace->job_id(), number);
  }
  std::visit(*this, m_plan.steps[index]);
  if (!done_before() && m_state.journal) {
    m_state.journal->finish_step(m_state.workspace->job_id(), number);
  }
}

void Conversion::Carrier::note(const Made& made) {
  if (m_state.journal) {
    m_state.journal->note_made(m_state.workspace->job_id(), static_cast<unsigned>(m_current + 1),
                               to_json(made));
  }
}

std::size_t Conversion::Carrier::index_of(const std::string& disk) const {
  for (std::size_t i = 0; i < m_plan.disks.size(); ++i) {
    if (m_plan.disks[i].layout.name == disk) {
      return i;
    }
  }
  throw Error(ErrorKind::internal, fmt::format("the plan has no disk {}", disk));
}

void Conversion::Carrier::operator()(const model::BootTrial& step) {
  if (done_before()) {
    return;
  }
  const StageTimer timer(m_state.result, "trial");
  trial::TrialRequest request;
  for (std::size_t i = 0; i < m_plan.disks.size(); ++i) {
    request.disks.push_back({m_plan.disks[i].layout.name, m_state.overlays[i]});
  }
  request.memory = m_plan.source.memory;
  request.vcpus = m_plan.source.vcpus;
  request.arch = m_plan.source.arch;
  for (const model::DomainNic& nic : m_plan.source.nics) {
    request.macs.push_back(nic.mac);
  }
  request.uefi = m_plan.source.uefi;
  request.accelerator = m_state.accelerator.kind;
  request.limit = std::chrono::seconds(step.limit_seconds);
  request.work_folder = m_state.workspace->scratch();
  request.console_log = m_state.workspace->keep() / "console.log";
  const trial::TrialResult trial = trial::run_trial(request, m_state.tools.progress);
  m_state.result.trial =
      model::TrialOutcome{trial.booted, trial.seconds, trial.booted ? trial.evidence : trial.cause,
                          trial.last_lines, trial.console_log.string()};
  if (!trial.booted) {
    throw Error(
        ErrorKind::trial_failed,
        fmt::format("the trial of {} failed: {}", m_plan.source.name, trial.cause),
        fmt::format("read the console in {}; nothing was copied", trial.console_log.string()));
  }
  if (m_state.journal) {
    m_owner.keep_report("", "");
    m_owner.save_plan(m_plan);  // with the verdict: a process that goes on tells of it, too
  }
}

void Conversion::Carrier::operator()(const model::CreateImage& step) {
  const TargetDisk& disk =
      m_disks
          .emplace(step.disk, made_before().empty()
                                  ? TargetDisk::create(step)
                                  : TargetDisk::reopen(step, made_from_json(made_before()),
                                                       m_state.tools.commands))
          .first->second;
  note(disk.made());
}

void Conversion::Carrier::operator()(const model::CreateVolume& step) {
  const auto old_content =
      m_state.place->reads_as_zeros() ? disk::OldContent::zeros : disk::OldContent::rubbish;
  CommandRunner& commands = m_state.tools.commands;
  const std::string source = m_plan.disks[index_of(step.disk)].sources.front();
  const std::string& job = m_state.workspace->job_id();
  std::optional<Made> made;
  if (!made_before().empty()) {
    made = made_from_json(made_before());
    if (std::get<MadeVolume>(*made).uuid.empty()) {  // we died while LVM made it
      remove(*made, commands);
      made.reset();
    }
  }
  if (!made) {
    note(MadeVolume{step.group, step.name, "", step.disk, job});
  }
  const TargetDisk& disk =
      m_disks
          .emplace(step.disk, made ? TargetDisk::reopen(step, old_content, *made, commands)
                                   : TargetDisk::create(step, old_content, {job, source}, commands))
          .first->second;
  note(disk.made());
}

disk::Manifest& Conversion::Carrier::manifest_of(const std::string& disk) {
  const auto found = m_manifests.find(disk);
  if (found != m_manifests.end()) {
    return found->second;
  }
  const fs::path path = m_state.workspace->keep() / (disk + ".manifest");
  return m_manifests.emplace(disk, disk::Manifest::open(path)).first->second;
}

// The process died between the end of the copy and the note of it.
bool Conversion::Carrier::was_copied(const std::string& disk) {
  const TargetDisk& target = m_disks.at(disk);
  return fs::exists(m_state.workspace->keep() / (disk + ".manifest")) &&
         disk::was_finished(manifest_of(disk), target.path(), target.format());
}

// A new manifest, or the one of an interrupted copy after a second look at what it relies on.
void Conversion::Carrier::prepare_manifest(const model::CopyDisk& step, std::size_t index,
                                           disk::BlockReader& source, disk::BlockReader* overlay) {
  const model::PlannedDisk& planned = m_plan.disks[index];
  const fs::path path = m_state.workspace->keep() / (step.disk + ".manifest");
  const disk::LeafHash plan = disk::fingerprint(planned.layout.size, planned.extents);
  if (!fs::exists(path)) {
    m_manifests.emplace(
        step.disk, disk::Manifest::create(path, {m_state.request.hash, planned.layout.size, plan}));
    return;
  }
  disk::Manifest& manifest = manifest_of(step.disk);
  if (manifest.head().plan != plan) {
    throw Error(ErrorKind::bad_input, fmt::format("{} belongs to another plan", path.string()),
                "take the job back (vmconvert undo JOB) and convert again");
  }
  std::vector<ByteCount> starts;
  for (const model::Partition& part : planned.layout.partitions) {
    starts.push_back(part.start);
  }
  m_state.report("copy", fmt::format("looking again at what is there of {}", step.disk));
  disk::recheck_source(manifest, step.disk, planned.extents, source, overlay, starts);
  const TargetDisk& target = m_disks.at(step.disk);
  disk::recheck_target(manifest, target.path(), target.format());
}

void Conversion::Carrier::operator()(const model::CopyDisk& step) {
  const std::size_t index = index_of(step.disk);
  const model::PlannedDisk& planned = m_plan.disks[index];
  model::DiskResult& result = m_state.result.disks.at(index);
  if (done_before() || was_copied(step.disk)) {
    const model::ExtentTotals sum = model::totals(planned.extents);
    result.read = sum.needed + sum.patched;
    result.skipped = sum.skipped;
    result.checksum = manifest_of(step.disk).root();
    return;
  }
  const StageTimer timer(m_state.result, fmt::format("copy {}", step.disk));
  const fs::path scratch = m_state.workspace->scratch();
  const auto source = m_state.disks[index].open_reader();
  const auto overlay = disk::open_image(m_state.overlays[index], model::DiskFormat::qcow2, scratch,
                                        fmt::format("the overlay of {}", step.disk));
  prepare_manifest(step, index, *source, overlay.get());
  disk::Manifest& manifest = manifest_of(step.disk);
  const TargetDisk& target = m_disks.at(step.disk);
  const fs::path state_file = m_state.workspace->folder() / (step.disk + ".runs");
  if (manifest.head().durable_nodes == 0) {
    fs::remove(state_file);
  }
  const auto writer = target.open_writer(state_file);
  RateLimit limit(m_state.request.rate_limit, m_state.workspace->folder() / "rate-limit");
  const disk::CopyResult copied =
      disk::copy_disk({step.disk, planned.layout.size, planned.extents, *source, overlay.get(),
                       *writer, manifest, &limit.throttle()},
                      [&](const model::Progress& progress) {
                        limit.look();
                        if (m_state.tools.progress) {
                          m_state.tools.progress(progress);
                        }
                      });
  fs::remove(state_file);
  result.read = copied.read;
  result.written = copied.written;
  result.skipped = copied.skipped;
  result.checksum = manifest.root();
}

void Conversion::Carrier::operator()(const model::VerifyDisk& step) {
  if (!done_before()) {
    const StageTimer timer(m_state.result, fmt::format("verify {}", step.disk));
    disk::verify_disk({step.disk, step.path, m_disks.at(step.disk).format(), manifest_of(step.disk),
                       m_state.workspace->scratch()},
                      m_state.tools.progress);
  }
  m_state.result.disks.at(index_of(step.disk)).path = step.path;
}

void Conversion::Carrier::operator()(const model::RefreshPool& step) {
  host::Connection connection = host::Connection::open(step.uri, host::Access::read_write);
  host::refresh_pool(connection, step.pool);
}

void Conversion::Carrier::operator()(const model::WriteDomainXml& step) {
  m_state.result.domain_xml_path = step.path;
  if (done_before()) {
    return;
  }
  if (!made_before().empty()) {
    remove(made_from_json(made_before()), m_state.tools.commands);
  }
  AtomicFile file(step.path);
  file.write(m_plan.domain_xml);
  file.commit(Overwrite::no);
  note(identify_file(step.path));
}

void Conversion::Carrier::operator()(const model::DefineDomain& step) {
  m_state.result.defined_on = step.uri;
  if (done_before()) {
    return;
  }
  const StageTimer timer(m_state.result, "define");
  m_state.report("define", step.uri);
  if (!made_before().empty()) {
    remove(made_from_json(made_before()), m_state.tools.commands);
  }
  host::Connection connection = host::Connection::open(step.uri, host::Access::read_write);
  if (connection.domain_exists(step.name)) {
    throw Error(ErrorKind::refused,
                fmt::format("{} has got a domain named {} meanwhile", step.uri, step.name),
                "choose another name (--name), or undefine that domain first");
  }
  const host::DefinedDomain defined = connection.define(m_plan.domain_xml);
  note(MadeDomain{step.uri, step.name, defined.uuid});
}

void Conversion::Carrier::operator()(const model::StartDomain& step) {
  if (!done_before()) {
    host::Connection::open(step.uri, host::Access::read_write).start(step.name);
  }
}

void Conversion::Carrier::operator()(const model::RunHook& step) {
  if (!done_before()) {
    const StageTimer timer(m_state.result, "hook");
    m_state.run_hook(step.hook);
  }
}

// From the first step that is not done. The journal has what was made before this one began.
void Conversion::carry_out(const model::Plan& plan) {
  State& state = *m_state;
  std::vector<StepRecord> steps(plan.steps.size());
  if (state.journal) {
    steps = journal_steps(plan);
  }
  Carrier carrier(*this, plan, std::move(steps));
  try {
    for (std::size_t i = 0; i < plan.steps.size(); ++i) {
      throw_if_interrupted();
      while_doing(model::describe(plan.steps[i]), [&] { carrier.carry_out(i); });
    }
  } catch (const Error&) {
    // What the result names must exist: it is unfinished, or about to be taken back.
    for (model::DiskResult& disk : state.result.disks) {
      disk.path.clear();
    }
    state.result.domain_xml_path.clear();
    state.result.defined_on.clear();
    throw;
  }
  state.result.state = state.request.storage ? model::RunState::converted : model::RunState::tried;
  finish_job();
}

}  // namespace vmconvert::job
