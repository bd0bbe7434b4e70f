#include "job/job_control.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "disk/manifest.hpp"
#include "disk/verify.hpp"
#include "job/made.hpp"
#include "job/place_on.hpp"
#include "job/source_snapshots.hpp"
#include "job/workspace.hpp"

namespace vmconvert::job {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view k_manifest = ".manifest";

JobView view_of(const fs::path& state_dir, const Journal& journal, JobRecord record) {
  JobView view;
  view.alive = record.state == JobState::running && is_alive(state_dir, record.id);
  view.steps = journal.steps(record.id);
  view.record = std::move(record);
  return view;
}

Error no_such_job(const fs::path& state_dir, const std::string& id) {
  return {ErrorKind::not_found,
          fmt::format("there is no job {} in {}", printable(id), state_dir.string()),
          "vmconvert jobs lists them; another state folder is named by --state-dir DIR"};
}

void require_idle(const JobView& view) {
  if (view.alive) {
    throw Error(ErrorKind::busy,
                fmt::format("another vmconvert works on the job {}", view.record.id),
                "wait until it has ended, or stop it first: it takes a SIGINT");
  }
}

}  // namespace

std::string JobView::state_text() const {
  return record.state == JobState::running && !alive ? "killed" : to_string(record.state);
}

bool JobView::unfinished() const {
  return record.state == JobState::interrupted || (record.state == JobState::running && !alive);
}

std::string JobView::advice() const {
  return unfinished()
             ? fmt::format("vmconvert resume {0} goes on, vmconvert undo {0} takes it back",
                           record.id)
             : "";
}

std::vector<JobView> list_jobs(const fs::path& state_dir) {
  const Journal journal(state_dir);
  std::vector<JobView> views;
  for (JobRecord& record : journal.jobs()) {
    views.push_back(view_of(state_dir, journal, std::move(record)));
  }
  return views;
}

JobView find_job(const fs::path& state_dir, const std::string& id) {
  const Journal journal(state_dir);
  std::vector<JobRecord> found;
  for (JobRecord& record : journal.jobs()) {
    if (!id.empty() && (record.id.starts_with(id) || record.id.ends_with(id))) {
      found.push_back(std::move(record));
    }
  }
  if (found.empty()) {
    throw no_such_job(state_dir, id);
  }
  if (found.size() > 1) {
    throw Error(ErrorKind::usage, fmt::format("{} jobs match {}", found.size(), printable(id)),
                "give more of the id");
  }
  return view_of(state_dir, journal, std::move(found.front()));
}

void take_back(Journal& journal, const std::string& id, CommandRunner& commands) {
  std::vector<StepRecord> steps = journal.steps(id);
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    if (step->made.empty()) {
      continue;
    }
    const Made made = made_from_json(step->made);
    while_doing(fmt::format("taking back: {}", step->what), [&] {
      if (look_for(made, commands) == Presence::other) {
        log_warning(fmt::format("{} is not the one that the job made: it stays", describe(made)));
      } else {
        remove(made, commands);
      }
    });
    journal.undo_step(id, step->number);
  }
}

std::optional<SourceBefore> source_before(const fs::path& state_dir, const JobView& view) {
  return load_source_before(state_dir / "jobs" / view.record.id / "kept");
}

SourceReturn undo_job(const fs::path& state_dir, const std::string& id, CommandRunner& commands,
                      RestoreSource which) {
  const JobView view = find_job(state_dir, id);
  require_idle(view);
  Journal journal(state_dir);
  SourceReturn source;
  if (fs::exists(state_dir / "jobs" / view.record.id)) {
    Workspace workspace(state_dir, view.record.id);  // nobody else may begin meanwhile
    const auto before = source_before(state_dir, view);
    take_back(journal, view.record.id, commands);
    SourceSnapshots::remove_left(workspace.folder(), view.record.id, commands);
    // Last: the copy is gone, the original may run.
    if (before) {
      source = while_doing("bringing the source's domain back",
                           [&] { return restore_source(*before, which); });
    }
    journal.set_state(view.record.id, JobState::undone);
    workspace.remove();
    return source;
  }
  take_back(journal, view.record.id, commands);
  journal.set_state(view.record.id, JobState::undone);
  return source;
}

void forget_job(const fs::path& state_dir, const std::string& id, CommandRunner& commands) {
  const JobView view = find_job(state_dir, id);
  require_idle(view);
  if (view.unfinished()) {
    throw Error(ErrorKind::refused, fmt::format("the job {} is unfinished", view.record.id),
                view.advice());
  }
  if (fs::exists(state_dir / "jobs" / view.record.id)) {
    Workspace workspace(state_dir, view.record.id);
    SourceSnapshots::remove_left(workspace.folder(), view.record.id, commands);
    workspace.remove();
  }
  Journal(state_dir).forget(view.record.id);
}

std::vector<VerifiedDisk> verify_job(const fs::path& state_dir, const std::string& id,
                                     CommandRunner& commands, const model::ProgressSink& progress,
                                     const fs::path& allocation_reader) {
  const JobView view = find_job(state_dir, id);
  require_idle(view);
  Workspace workspace(state_dir, view.record.id);
  std::vector<VerifiedDisk> verified;
  for (const StepRecord& step : view.steps) {
    if (step.made.empty()) {
      continue;
    }
    const Made made = made_from_json(step.made);
    const auto disk = disk_of(made);
    if (!disk) {
      continue;
    }
    const fs::path manifest_path = workspace.keep() / (disk->name + std::string(k_manifest));
    if (look_for(made, commands) != Presence::same) {
      throw Error(ErrorKind::mismatch, fmt::format("{} is not there any more", describe(made)),
                  "convert again");
    }
    const disk::Manifest manifest = disk::Manifest::open(manifest_path);
    if (!manifest.head().complete) {
      throw Error(
          ErrorKind::refused,
          fmt::format("the job {} has not copied {} to its end", view.record.id, disk->name),
          view.advice());
    }
    const disk::VerifyResult result = disk::verify_disk(
        {disk->name, disk->path, disk->format, manifest, workspace.scratch(), disk::ZeroCheck::full,
         [&](const model::ByteRange& range) {
           return place_on({disk->path, disk->format, workspace.scratch()}, {range},
                           allocation_reader, commands);
         }},
        progress);
    verified.push_back({disk->name, disk->path, manifest.root(), result.read});
  }
  if (verified.empty()) {
    throw Error(ErrorKind::refused,
                fmt::format("the job {} has no copied disk to compare", view.record.id),
                view.advice());
  }
  return verified;
}

}  // namespace vmconvert::job
