#include "job/redo_patch.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/log.hpp"
#include "bundle/content.hpp"
#include "disk/redo_log.hpp"
#include "disk/verify.hpp"
#include "domain/adjust.hpp"
#include "domain/read.hpp"
#include "host/libvirt.hpp"
#include "job/bundle_source.hpp"
#include "job/definition.hpp"
#include "job/job_control.hpp"
#include "job/made.hpp"
#include "job/saved_job.hpp"
#include "job/state.hpp"

namespace vmconvert::job {
namespace {

namespace fs = std::filesystem;

constexpr const char* k_folder = "redo";

// In the order of the steps, which is that of the layout.
std::vector<MadeDisk> made_disks(const JobView& view, CommandRunner& commands) {
  std::vector<MadeDisk> disks;
  for (const StepRecord& step : view.steps) {
    if (step.made.empty()) {
      continue;
    }
    const Made made = made_from_json(step.made);
    if (const auto* domain = std::get_if<MadeDomain>(&made)) {
      if (look_for(made, commands) == Presence::same &&
          host::Connection::open(domain->uri, host::Access::read_only).is_active(domain->name)) {
        throw Error(ErrorKind::refused,
                    fmt::format("the domain {} runs on {}", domain->name, domain->uri),
                    "what it wrote would be lost: take the job back, or leave it as it is");
      }
    } else if (auto disk = disk_of(made)) {
      if (look_for(made, commands) != Presence::same) {
        throw Error(ErrorKind::refused, fmt::format("{} is not there any more", describe(made)),
                    "convert again");
      }
      disks.push_back(std::move(*disk));
    }
  }
  return disks;
}

fs::path log_of(const fs::path& kept, const std::string& disk) {
  return kept / k_folder / (disk + ".redo");
}

disk::Manifest manifest_of(const fs::path& kept, const std::string& disk) {
  return disk::Manifest::open(kept / (disk + ".manifest"));
}

KeptDefinition kept_of_done(const JobView& view, const fs::path& kept) {
  if (view.record.state != JobState::done) {
    throw Error(ErrorKind::usage,
                fmt::format("the job {} is {}: only a finished one can be patched anew",
                            view.record.id, view.state_text()),
                view.unfinished() ? view.advice() : "vmconvert jobs lists what there is");
  }
  auto found = load_definition(kept);
  if (!found || !found->job.plan) {
    throw Error(ErrorKind::unsupported,
                fmt::format("an older vmconvert made the job {}, and did not keep its plan",
                            view.record.id),
                "take it back (vmconvert undo JOB) and convert again");
  }
  return std::move(*found);
}

}  // namespace

std::unique_ptr<Conversion> Conversion::reopen_done(const fs::path& state_dir,
                                                    const std::string& job,
                                                    const PatchWishes& wishes, Tools tools) {
  const JobView view = find_job(state_dir, job);
  auto workspace = std::make_unique<Workspace>(state_dir, view.record.id);
  KeptDefinition kept = kept_of_done(view, workspace->keep());
  static_cast<void>(made_disks(view, tools.commands));
  Request request = kept.job.request;
  if (request.snapshot) {
    throw Error(
        ErrorKind::unsupported,
        fmt::format("the job {} read its source through snapshots, which are gone", view.record.id),
        "take the job back (vmconvert undo JOB) and convert again");
  }
  if (wishes.trial && request.to == model::TargetHypervisor::xen) {
    throw Error(ErrorKind::usage,
                "a trial boots under QEMU, which cannot boot a guest made for Xen",
                "leave --trial out: the boot path is walked instead");
  }
  request.state_dir = state_dir;
  request.name = kept.definition.first_name;  // its disks are called so, and its addresses follow
  request.wishes = wishes.inside.value_or(request.wishes);
  request.accepted.insert(request.accepted.end(), wishes.accepted.begin(), wishes.accepted.end());
  // Of this run: without a trial it is the walk along the boot path that decides.
  request.trial = wishes.trial;
  request.trial_limit_seconds = wishes.trial_limit_seconds;
  request.start = false;
  auto conversion = std::make_unique<Conversion>(std::move(request), std::move(tools));
  State& state = *conversion->m_state;
  state.workspace = std::move(workspace);
  state.result.job = view.record.id;
  conversion->look_again(kept);
  return conversion;
}

// As read_source() did it, but for the target, which is there.
void Conversion::look_again(const KeptDefinition& kept) {
  State& state = *m_state;
  const SavedPlan& plan = *kept.job.plan;
  state.name = state.request.name;
  state.original_xml = kept.definition.original_xml;
  state.source.domain = domain::adjusted(
      state.request.source.uri.empty() && bundle::is_bundle(state.request.source.text)
          ? open_bundle(state.request.source.text)
          : domain::read_domain_xml(state.original_xml, "the job's description of its source"),
      state.request.adjustments, state.name);
  if (!state.request.source.uri.empty()) {
    state.source.active = host::Connection::open(state.request.source.uri, host::Access::read_only)
                              .is_active(state.source.domain.name);
  }
  const NewIdentity identity = new_identity(state.source.domain, state.name, state.request);
  if (!identity.uuid.empty() && identity.uuid != kept.definition.uuid) {
    throw Error(ErrorKind::unsupported,
                "these wishes need a domain with another UUID and other MAC addresses",
                "take the job back (vmconvert undo JOB) and convert again");
  }
  disk::require_unchanged(plan.marks);
  look_at_source();
  state.target_uri = plan.target_uri;
  state.place.emplace(*state.request.storage, state.target_uri, state.tools.commands);
  for (const model::TargetDisk& disk : state.layout.disks) {
    state.locks.emplace_back(state.request.state_dir, state.disk_path(disk).string());
  }
  if (plan.extents.size() != state.layout.disks.size()) {
    throw Error(ErrorKind::bad_input,
                fmt::format("the guest has {} disks, the job copied {}", state.layout.disks.size(),
                            plan.extents.size()),
                "take the job back and convert again");
  }
  state.extents_before = plan.extents;
  refuse_if_blocked();
}

// Nothing of the target is touched here; at the end of it all that is to be written is on the disk.
std::vector<disk::RedoAmount> Conversion::prepare_patch() {
  State& state = *m_state;
  const fs::path kept = state.workspace->keep();
  const JobView view = find_job(state.request.state_dir, state.result.job);
  const std::vector<MadeDisk> disks = made_disks(view, state.tools.commands);
  fs::remove_all(kept / k_folder);
  fs::create_directory(kept / k_folder);
  fs::permissions(kept / k_folder, fs::perms::owner_all);
  std::vector<disk::RedoAmount> amounts;
  for (std::size_t i = 0; i < disks.size(); ++i) {
    const disk::Manifest manifest = manifest_of(kept, disks[i].name);
    const StageTimer timer(state.result, fmt::format("compare {}", disks[i].name));
    while_doing("looking whether the disks are as they were copied", [&] {
      disk::verify_disk({disks[i].name, disks[i].path, disks[i].format, manifest,
                         state.workspace->scratch(), disk::ZeroCheck::full},
                        state.tools.progress);
    });
    const auto source = state.disks.at(i).open_reader();
    const auto overlay =
        disk::open_image(state.overlays.at(i), model::DiskFormat::qcow2, state.workspace->scratch(),
                         "the overlay of " + disks[i].name);
    amounts.push_back(disk::write_redo_log(
        log_of(kept, disks[i].name), manifest,
        {disks[i].name, state.extents_before.at(i), state.extents.at(i), *source, overlay.get()},
        state.tools.progress));
  }
  state.require_sources_unchanged();
  KeptDefinition next = kept_of_done(view, kept);
  next.job.request.wishes = state.request.wishes;
  next.job.plan->extents = state.extents;
  save_job(kept / k_folder, next.job);
  Journal(state.request.state_dir)
      .set_state(view.record.id, JobState::interrupted, "the patching is being redone");
  return amounts;
}

bool has_pending_patch(const fs::path& state_dir, const std::string& job) {
  const JobView view = find_job(state_dir, job);
  return view.unfinished() &&
         fs::exists(state_dir / "jobs" / view.record.id / "kept" / k_folder / "job.json");
}

std::vector<PatchedDisk> write_pending_patch(const fs::path& state_dir, const std::string& job,
                                             const Tools& tools) {
  const JobView view = find_job(state_dir, job);
  const Workspace workspace(state_dir, view.record.id);
  const fs::path kept = workspace.keep();
  std::vector<PatchedDisk> written;
  for (const MadeDisk& disk : made_disks(view, tools.commands)) {
    disk::Manifest manifest = manifest_of(kept, disk.name);
    const ByteCount amount = disk::apply_redo_log(
        log_of(kept, disk.name), {disk.name, disk.path, disk.format, workspace.scratch()}, manifest,
        tools.progress);
    written.push_back({disk.name, disk.path, {}, amount, manifest.root()});
  }
  save_job(kept, load_job(kept / k_folder));
  Journal(state_dir).set_state(view.record.id, JobState::done);
  std::error_code ignored;
  fs::remove_all(kept / k_folder, ignored);
  return written;
}

}  // namespace vmconvert::job
