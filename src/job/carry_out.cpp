// Carrying out the plan: one step after the other, the domain last. What fails is undone.
#include <fmt/format.h>

#include <map>

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "disk/copy.hpp"
#include "disk/verify.hpp"
#include "host/libvirt.hpp"
#include "job/conversion.hpp"
#include "job/state.hpp"
#include "job/undo.hpp"
#include "trial/trial.hpp"

namespace vmconvert::job {
namespace {

namespace fs = std::filesystem;

}  // namespace

// One visitor for all kinds of steps: a new kind does not compile until it is here.
class Conversion::Carrier {
 public:
  Carrier(State& state, const model::Plan& plan) : m_state(state), m_plan(plan) {}

  void operator()(const model::BootTrial& step);
  void operator()(const model::CreateImage& step);
  void operator()(const model::CopyDisk& step);
  void operator()(const model::VerifyDisk& step);
  void operator()(const model::WriteDomainXml& step);
  void operator()(const model::DefineDomain& step);
  void operator()(const model::StartDomain& step);

  // Nothing that was made is taken back after this.
  void keep_all();

 private:
  std::size_t index_of(const std::string& disk) const;

  State& m_state;
  const model::Plan& m_plan;
  Undo m_undo;
  std::map<std::string, disk::TargetImage> m_images;
  std::map<std::string, disk::Manifest> m_manifests;
};

std::size_t Conversion::Carrier::index_of(const std::string& disk) const {
  for (std::size_t i = 0; i < m_plan.disks.size(); ++i) {
    if (m_plan.disks[i].layout.name == disk) {
      return i;
    }
  }
  throw Error(ErrorKind::internal, fmt::format("the plan has no disk {}", disk));
}

void Conversion::Carrier::operator()(const model::BootTrial& step) {
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
}

void Conversion::Carrier::operator()(const model::CreateImage& step) {
  m_images.try_emplace(step.disk, step.path, step.format, step.size);
}

void Conversion::Carrier::operator()(const model::CopyDisk& step) {
  const StageTimer timer(m_state.result, fmt::format("copy {}", step.disk));
  const std::size_t index = index_of(step.disk);
  const model::PlannedDisk& planned = m_plan.disks[index];
  const fs::path scratch = m_state.workspace->scratch();
  const auto source = m_state.disks[index].open_reader();
  const auto overlay = disk::open_image(m_state.overlays[index], model::DiskFormat::qcow2, scratch,
                                        fmt::format("the overlay of {}", step.disk));
  const auto writer = m_images.at(step.disk).open_writer();
  const fs::path manifest_path = m_state.workspace->keep() / (step.disk + ".manifest");
  disk::Manifest& manifest =
      m_manifests
          .emplace(step.disk,
                   disk::Manifest::create(
                       manifest_path, {m_state.request.hash, planned.layout.size,
                                       disk::fingerprint(planned.layout.size, planned.extents)}))
          .first->second;
  m_undo.add(fmt::format("removing {}", manifest_path.string()),
             [manifest_path] { fs::remove(manifest_path); });
  disk::Throttle throttle(m_state.request.rate_limit);
  const disk::CopyResult copied =
      disk::copy_disk({step.disk, planned.layout.size, planned.extents, *source, overlay.get(),
                       *writer, manifest, &throttle},
                      m_state.tools.progress);
  model::DiskResult& result = m_state.result.disks.at(index);
  result.read = copied.read;
  result.written = copied.written;
  result.skipped = copied.skipped;
  result.checksum = manifest.root();
}

void Conversion::Carrier::operator()(const model::VerifyDisk& step) {
  const StageTimer timer(m_state.result, fmt::format("verify {}", step.disk));
  disk::verify_disk({step.disk, step.path, m_images.at(step.disk).format(),
                     m_manifests.at(step.disk), m_state.workspace->scratch()},
                    m_state.tools.progress);
  m_state.result.disks.at(index_of(step.disk)).path = step.path;
}

void Conversion::Carrier::operator()(const model::WriteDomainXml& step) {
  AtomicFile file(step.path);
  file.write(m_plan.domain_xml);
  file.commit(Overwrite::no);
  m_undo.add(fmt::format("removing {}", step.path.string()),
             [path = step.path] { fs::remove(path); });
  m_state.result.domain_xml_path = step.path;
}

void Conversion::Carrier::operator()(const model::DefineDomain& step) {
  const StageTimer timer(m_state.result, "define");
  m_state.report("define", step.uri);
  host::Connection connection = host::Connection::open(step.uri, host::Access::read_write);
  if (connection.domain_exists(step.name)) {
    throw Error(ErrorKind::refused,
                fmt::format("{} has got a domain named {} meanwhile", step.uri, step.name),
                "choose another name (--name), or undefine that domain first");
  }
  const host::DefinedDomain defined = connection.define(m_plan.domain_xml);
  m_undo.add(fmt::format("undefining {} on {}", step.name, step.uri), [step, uuid = defined.uuid] {
    host::Connection::open(step.uri, host::Access::read_write).undefine(uuid);
  });
  m_state.result.defined_on = step.uri;
}

void Conversion::Carrier::operator()(const model::StartDomain& step) {
  host::Connection::open(step.uri, host::Access::read_write).start(step.name);
}

void Conversion::Carrier::keep_all() {
  for (auto& [name, image] : m_images) {
    image.keep();
  }
  m_undo.all_went_well();
}

void Conversion::carry_out(const model::Plan& plan) {
  State& state = *m_state;
  refuse_if_blocked();
  Carrier carrier(state, plan);
  try {
    for (const model::Step& step : plan.steps) {
      throw_if_interrupted();
      while_doing(model::describe(step), [&] { std::visit(carrier, step); });
    }
  } catch (const Error&) {
    // What the result names must exist: all of it is about to be taken back.
    for (model::DiskResult& disk : state.result.disks) {
      disk.path.clear();
    }
    state.result.domain_xml_path.clear();
    state.result.defined_on.clear();
    throw;
  }
  carrier.keep_all();
  state.result.state = state.request.storage ? model::RunState::converted : model::RunState::tried;
}

}  // namespace vmconvert::job
