// The life of a job around its steps: begun, saved, ended, taken up again by another process.
#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "bundle/content.hpp"
#include "disk/probe.hpp"
#include "domain/read.hpp"
#include "host/libvirt.hpp"
#include "job/bundle_source.hpp"
#include "job/conversion.hpp"
#include "job/definition.hpp"
#include "job/job_control.hpp"
#include "job/saved_job.hpp"
#include "job/state.hpp"
#include "plan/layout.hpp"

namespace vmconvert::job {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> ids_of(const Journal& journal) {
  std::vector<std::string> ids;
  for (const JobRecord& job : journal.jobs()) {
    ids.push_back(job.id);
  }
  return ids;
}

// Sockets and the like of the process that died: a server would not start in their place. The
// overlays are what is gone on with.
void tidy_scratch(const fs::path& scratch) {
  for (const auto& entry : fs::directory_iterator(scratch)) {
    if (!entry.path().filename().string().ends_with(".overlay.qcow2")) {
      fs::remove_all(entry.path());
    }
  }
}

}  // namespace

// Written down before anything is made: a process that is killed leaves a name to ask for.
void Conversion::begin_job() {
  State& state = *m_state;
  if (!state.workspace) {
    state.workspace = std::make_unique<Workspace>(state.request.state_dir);
    sweep_snapshots(state.request.state_dir, state.tools.commands);
    if (state.request.storage && state.request.record) {
      state.journal.emplace(state.request.state_dir);
      state.journal->add({state.workspace->job_id(), state.source.domain.name, state.name,
                          state.request.source.text, JobState::running, "", 0, 0,
                          state.tools.version});
      save_job(state.workspace->folder(), {state.request, std::nullopt});
      state.keep_source_before();
      sweep(state.request.state_dir, ids_of(*state.journal));
      // Whoever was killed could not say so: the next one does.
      for (const JobView& view : list_jobs(state.request.state_dir)) {
        if (view.unfinished()) {
          log_warning(fmt::format("the job {} (guest {}) is unfinished, it was {}: {}",
                                  view.record.id, printable(view.record.guest), view.state_text(),
                                  view.advice()));
        }
      }
    }
  }
  state.result.job = state.workspace->job_id();
}

std::vector<StepRecord> Conversion::journal_steps(const model::Plan& plan) {
  State& state = *m_state;
  const std::string& id = state.workspace->job_id();
  std::vector<std::string> what;
  for (const model::Step& step : plan.steps) {
    what.push_back(model::describe(step));
  }
  std::vector<StepRecord> steps = state.journal->steps(id);
  if (steps.empty()) {
    begin_report(plan);
    keep_report("", "");
    save_plan(plan);
    state.journal->set_steps(id, what);
    return state.journal->steps(id);
  }
  const bool same =
      std::equal(steps.begin(), steps.end(), what.begin(), what.end(),
                 [](const StepRecord& a, const std::string& b) { return a.what == b; });
  if (!same) {
    throw Error(ErrorKind::bad_input,
                fmt::format("the steps of the job {} would be others today", id),
                fmt::format("take it back (vmconvert undo {}) and convert again", id));
  }
  return steps;
}

void Conversion::save_plan(const model::Plan& plan) {
  State& state = *m_state;
  SavedPlan saved;
  saved.source_xml = plan.source.xml;
  saved.original_xml = state.original_xml;
  saved.hardware = state.hardware;
  saved.target_uri = state.target_uri;
  saved.domain_xml = plan.domain_xml;
  saved.extents = state.extents;
  if (state.watches_sources()) {
    saved.marks = state.marks;
  }
  saved.edits = state.result.edits;
  saved.trial = state.result.trial;
  save_job(state.workspace->folder(), {state.request, std::move(saved)});
  state.can_go_on = true;
}

// The definition can be made anew from this, when nothing else of the job is open any more.
void Conversion::keep_what_was_defined(const model::Plan& plan) const {
  const State& state = *m_state;
  Definition definition = definition_of(plan.domain_xml);
  definition.original_xml =
      state.original_xml.empty() ? state.source.domain.xml : state.original_xml;
  for (const model::TargetDisk& disk : state.layout.disks) {
    definition.disks.push_back(state.rewritten(disk));
  }
  definition.nic_model = state.hardware.nic_model;
  definition.description = state.xml_path();
  definition.target_uri = state.target_uri;
  SavedPlan kept;
  kept.source_xml = plan.source.xml;
  kept.original_xml = state.original_xml;
  kept.target_uri = state.target_uri;
  kept.extents = state.extents;
  if (state.watches_sources()) {
    kept.marks = state.marks;
  }
  keep_definition(state.workspace->keep(),
                  {{state.request, std::move(kept)}, std::move(definition)});
}

void Conversion::finish_job(const model::Plan& plan) {
  State& state = *m_state;
  if (state.journal) {
    keep_report("done", "");
    try {
      keep_what_was_defined(plan);
    } catch (const Error& problem) {
      log_warning("this job cannot be redone in part: " + to_text(problem));  // but it is done
    }
    state.journal->set_state(state.workspace->job_id(), JobState::done);
    end_of_work();  // also of the snapshots: who dies before that leaves them to the next run
  }
}

// Nobody goes on from here: what that would take is of no use any more.
void Conversion::end_of_work() {
  m_state->remove_snapshots();
  const Workspace& workspace = *m_state->workspace;
  std::error_code ignored;
  fs::remove(workspace.folder() / "job.json", ignored);
  fs::remove(workspace.folder() / "rate-limit", ignored);
  m_state->workspace->drop_scratch();
}

std::string Conversion::ended_by(const Error& error) {
  const std::string next = settle(error);
  State& state = *m_state;
  if (error.kind() != ErrorKind::interrupted && (state.request.record || state.journal)) {
    try {
      state.run_hooks(model::HookPoint::failed, error.message());
    } catch (const Error& problem) {
      log_warning(problem.message());  // the job's own failure is what counts
    }
    // A machine is not started by itself in the night; but whoever reads of the failure is told.
    if (state.source_before) {
      for (const std::string& line : differences(*state.source_before)) {
        log_warning(line);
      }
    }
  }
  return next;
}

std::string Conversion::settle(const Error& error) {
  State& state = *m_state;
  if (!state.journal) {
    return "";
  }
  const std::string id = state.workspace->job_id();
  if (error.kind() != ErrorKind::interrupted && state.journal->steps(id).empty()) {
    state.journal->forget(id);  // refused, or not understood: there is nothing to tell of it
    forget_source_before(state.workspace->keep());
    end_of_work();
    return "";
  }
  if (error.kind() == ErrorKind::interrupted) {
    keep_report("interrupted", error.message());
    state.journal->set_state(id, JobState::interrupted, error.message());
    if (state.can_go_on) {
      state.workspace->keep_scratch();
      if (state.snapshots) {
        state.snapshots->keep();
        return fmt::format(
            "vmconvert resume {0} goes on, vmconvert undo {0} takes it back; until then the "
            "snapshots of the source stay, and fill as the guest writes",
            id);
      }
    } else {
      state.remove_snapshots();
    }
    return fmt::format("vmconvert resume {0} goes on, vmconvert undo {0} takes it back", id);
  }
  try {
    take_back(*state.journal, id, state.tools.commands);
  } catch (const Error& problem) {
    log_warning(to_text(problem));
    state.journal->set_state(id, JobState::interrupted, error.message());
    state.workspace->keep_scratch();
    state.remove_snapshots();
    return fmt::format("not all could be taken back: vmconvert undo {} tries again", id);
  }
  keep_report("failed", error.message());
  state.journal->set_state(id, JobState::failed, error.message());
  end_of_work();
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(state.workspace->keep(), ignored)) {
    const fs::path extension = entry.path().extension();
    const fs::path name = entry.path().filename();
    if (extension == ".manifest" || extension == ".mapfile" || name == "job.json" ||
        name == "definition.json") {
      fs::remove(entry.path(), ignored);
    }
  }
  return "";
}

std::unique_ptr<Conversion> Conversion::reopen(const fs::path& state_dir, const std::string& job,
                                               Tools tools, std::optional<model::Plan>& plan) {
  const JobView view = find_job(state_dir, job);
  if (view.alive) {
    throw Error(ErrorKind::busy, fmt::format("another vmconvert works on the job {}", job),
                "wait until it has ended, or stop it first");
  }
  if (!view.unfinished()) {
    throw Error(ErrorKind::usage,
                fmt::format("the job {} is {}: there is nothing to go on with", view.record.id,
                            view.state_text()),
                "vmconvert jobs lists the unfinished ones");
  }
  auto workspace = std::make_unique<Workspace>(state_dir, view.record.id);
  workspace->keep_scratch();  // whatever goes wrong from here on: it can be tried again
  SavedJob saved = load_job(workspace->folder());
  saved.request.state_dir = state_dir;
  auto conversion = std::make_unique<Conversion>(std::move(saved.request), std::move(tools));
  State& state = *conversion->m_state;
  state.workspace = std::move(workspace);
  state.journal.emplace(state_dir);
  state.result.job = view.record.id;
  state.source_before = load_source_before(state.workspace->keep());
  if (saved.plan) {
    state.can_go_on = true;
    conversion->reopen_report();
    tidy_scratch(state.workspace->scratch());
    plan = conversion->reopen_plan(*saved.plan);
  } else {
    // Nothing was made yet: the overlays of that time are of no use.
    fs::remove_all(state.workspace->scratch());
    fs::create_directories(state.workspace->scratch());
  }
  state.journal->set_state(view.record.id, JobState::running);
  return conversion;
}

// As read_source() and patch() left it, without the appliance.
model::Plan Conversion::reopen_plan(const SavedPlan& saved) {
  State& state = *m_state;
  state.hardware = saved.hardware;
  state.source.domain =
      state.request.source.uri.empty() && bundle::is_bundle(state.request.source.text)
          ? open_bundle(state.request.source.text)
          : domain::read_domain_xml(saved.source_xml, "the job's description");
  if (!state.request.source.uri.empty()) {
    state.source.active = host::Connection::open(state.request.source.uri, host::Access::read_only)
                              .is_active(state.source.domain.name);
  }
  if (state.request.snapshot) {
    state.snapshots.emplace(state.workspace->folder(), state.workspace->job_id(),
                            state.tools.commands);
    state.snapshots->reopen();
  }
  if (!saved.marks.empty()) {
    disk::require_unchanged(saved.marks);
  }
  state.original_xml = saved.original_xml;
  look_at_source();
  state.target_uri = saved.target_uri;
  state.place.emplace(*state.request.storage, state.target_uri, state.tools.commands);
  for (const model::TargetDisk& disk : state.layout.disks) {
    state.locks.emplace_back(state.request.state_dir, state.disk_path(disk).string());
  }
  refuse_if_blocked();
  if (saved.extents.size() != state.layout.disks.size()) {
    throw Error(ErrorKind::bad_input,
                fmt::format("the guest has {} disks, the job began with {}",
                            state.layout.disks.size(), saved.extents.size()),
                "take the job back and convert again");
  }
  reopen_overlays();
  state.extents = saved.extents;
  state.allocation.resize(saved.extents.size());
  state.result.edits = saved.edits;
  state.result.trial = saved.trial;
  state.saved_domain_xml = saved.domain_xml;
  return make_plan();
}

}  // namespace vmconvert::job
