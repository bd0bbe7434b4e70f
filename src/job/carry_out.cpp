// Carrying out the plan: one step after the other, the domain last, each written down before and
// after. What fails is taken back; what is interrupted can go on.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <span>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/log.hpp"
#include "base/new_file.hpp"
#include "disk/verify.hpp"
#include "domain/read.hpp"
#include "host/libvirt.hpp"
#include "host/storage_pool.hpp"
#include "job/carrier.hpp"
#include "job/job_control.hpp"
#include "job/report_keeper.hpp"

namespace vmconvert::job {

namespace fs = std::filesystem;

// For tests that end the process in the worst moments: nobody else listens.
void Conversion::Carrier::point(const char* where) const {
  if (m_state.tools.at_point) {
    m_state.tools.at_point(fmt::format("{} {}", where, m_current + 1));
  }
}

void Conversion::Carrier::begin_step(std::size_t index) {
  m_current = index;
  point("before");
  if (!done_before() && m_state.journal) {
    m_state.journal->begin_step(m_state.workspace->job_id(), static_cast<unsigned>(index + 1));
  }
  point("begun");
}

void Conversion::Carrier::finish_step(std::size_t index) {
  m_current = index;
  point("made");
  if (!done_before() && m_state.journal) {
    m_state.journal->finish_step(m_state.workspace->job_id(), static_cast<unsigned>(index + 1));
  }
  point("after");
}

void Conversion::Carrier::carry_out(std::size_t index) {
  while_doing(model::describe(m_plan.steps[index]), [&] {
    begin_step(index);
    std::visit(*this, m_plan.steps[index]);
    finish_step(index);
  });
}

void Conversion::Carrier::run() {
  for (std::size_t i = 0; i < m_plan.steps.size();) {
    throw_if_interrupted();
    m_state.require_sources_unchanged();
    if (std::holds_alternative<model::CopyDisk>(m_plan.steps[i])) {
      i += carry_out_copies(i);
    } else {
      carry_out(i);
      ++i;
    }
  }
}

void Conversion::Carrier::note(const Made& made) {
  if (m_state.journal) {
    m_state.journal->note_made(m_state.workspace->job_id(), static_cast<unsigned>(m_current + 1),
                               to_json(made));
  }
  point("noted");
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
  m_owner.boot_trial(step, "console.log");
  if (m_state.journal) {
    m_owner.keep_report("", "");
    m_owner.save_plan(m_plan);  // with the verdict: a process that goes on tells of it, too
  }
}

void Conversion::Carrier::operator()(const model::CreateImage& step) {
  CommandRunner& commands = m_state.tools.commands;
  std::optional<Made> made;
  if (!made_before().empty()) {
    made = made_from_json(made_before());
    // Written down, but we died before it had its name: then it never was.
    if (!done_before() && look_for(*made, commands) == Presence::gone) {
      made.reset();
    }
  }
  m_disks.emplace(step.disk, made ? TargetDisk::reopen(step, *made, commands)
                                  : TargetDisk::create(step, [&](const Made& is) { note(is); }));
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

void Conversion::Carrier::operator()(const model::VerifyDisk& step) {
  if (!done_before()) {
    const StageTimer timer(m_state.result, fmt::format("verify {}", step.disk));
    const ReportKeeper keeper([&] { m_owner.keep_report("", ""); });
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
  NewFile file(step.path, 0644);
  pwrite_exactly(file.fd(), std::as_bytes(std::span(m_plan.domain_xml)), 0, step.path.string());
  if (::fsync(file.fd()) != 0) {
    throw_errno(errno, fmt::format("writing {}", step.path.string()));
  }
  note(identify_file(file.fd(), step.path));
  file.appear();
  const Fd folder = open_file(step.path.parent_path(), O_RDONLY | O_DIRECTORY);
  ::fsync(folder.get());
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
  // Before it is there, so that it can never be there unknown.
  const std::string uuid = domain::read_domain_xml(m_plan.domain_xml, "the new domain").uuid;
  if (!uuid.empty()) {
    note(MadeDomain{step.uri, step.name, uuid});
  }
  const host::DefinedDomain defined = connection.define(m_plan.domain_xml);
  note(MadeDomain{step.uri, step.name, defined.uuid});
}

void Conversion::Carrier::operator()(const model::StartDomain& step) {
  if (done_before()) {
    return;
  }
  require_source_off(m_state.request.source.uri, m_plan.source.name, step);
  host::Connection::open(step.uri, host::Access::read_write).start(step.name);
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
    carrier.run();
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
  finish_job(plan);
}

}  // namespace vmconvert::job
