// Overlays, and the one appliance run on them: inspect, fix, walk the boot path, trim.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "disk/overlay.hpp"
#include "guest/appliance.hpp"
#include "guest/boot_path.hpp"
#include "guest/choose_hardware.hpp"
#include "guest/choose_hvm.hpp"
#include "guest/facts_json.hpp"
#include "guest/fixer_host.hpp"
#include "guest/fixer_loader.hpp"
#include "guest/inspect.hpp"
#include "guest/kernel_packages.hpp"
#include "guest/new_ids.hpp"
#include "guest/search.hpp"
#include "guest/staged_root.hpp"
#include "host/machines.hpp"
#include "job/conversion.hpp"
#include "job/new_ids_step.hpp"
#include "job/state.hpp"
#include "plan/check_fit.hpp"
#include "plan/check_inside.hpp"
#include "plan/check_outside.hpp"
#include "plan/checks.hpp"

namespace vmconvert::job {
namespace {

namespace fs = std::filesystem;

guest::Accelerator for_appliance(const host::Accelerator& accelerator) {
  return accelerator.kind == host::AcceleratorKind::kvm ? guest::Accelerator::kvm
                                                        : guest::Accelerator::tcg;
}

// root= of the kernel arguments that the description carries, for guests with several roots.
std::string root_argument(const model::Domain& domain) {
  if (!domain.direct_boot) {
    return {};
  }
  std::string root;
  for (const std::string& word : words(domain.direct_boot->cmdline)) {
    if (word.starts_with("root=")) {
      root = word.substr(5);
    }
  }
  return root;
}

// The loader in each target disk's boot sector. A disk whose table we make has none.
std::map<std::string, std::string> loaders(const model::Layout& layout,
                                           const std::vector<model::DiskFacts>& facts) {
  std::map<std::string, std::string> found;
  for (const model::TargetDisk& disk : layout.disks) {
    found[disk.name] = disk.composed ? "none" : facts.at(disk.segments.at(0).source).loader;
  }
  return found;
}

// Besides GRUB's files, fixers may read a kernel that is kept on the host, its initrd and its
// configuration.
guest::FixerOptions fixer_options(const model::Domain& domain) {
  guest::FixerOptions options;
  if (domain.direct_boot) {
    const fs::path& kernel = domain.direct_boot->kernel;
    options.host_files.push_back(kernel);
    if (!domain.direct_boot->initrd.empty()) {
      options.host_files.push_back(domain.direct_boot->initrd);
    }
    const std::string name = kernel.filename().string();
    if (name.starts_with("vmlinuz-")) {
      options.host_files.push_back(kernel.parent_path() / ("config-" + name.substr(8)));
    }
  }
  return options;
}

}  // namespace

void Conversion::open_overlays() {
  State& state = *m_state;
  const fs::path scratch = state.workspace->scratch();
  for (const model::TargetDisk& disk : state.layout.disks) {
    state.report("layout", fmt::format("overlay for {}", disk.name));
    state.disks.emplace_back(
        disk, state.source.domain,
        disk::SourceFolders{scratch, state.tools.nbdkit_plugin, state.request.on_bad_sector});
    state.overlays.push_back(scratch / (disk.name + ".overlay.qcow2"));
    disk::create_overlay(
        state.overlays.back(), state.disks.back().backing(), disk.size, state.tools.commands,
        state.request.wishes.scrub ? disk::OverlayPieces::small : disk::OverlayPieces::usual);
  }
}

// The layout is served anew, under another socket; the overlays are as they were left.
void Conversion::reopen_overlays() {
  State& state = *m_state;
  const fs::path scratch = state.workspace->scratch();
  for (const model::TargetDisk& disk : state.layout.disks) {
    state.disks.emplace_back(
        disk, state.source.domain,
        disk::SourceFolders{scratch, state.tools.nbdkit_plugin, state.request.on_bad_sector});
    state.overlays.push_back(scratch / (disk.name + ".overlay.qcow2"));
    disk::move_overlay(state.overlays.back(), state.disks.back().backing(), state.tools.commands);
  }
}

// KVM that passed its probe may still fail the appliance: then emulation, and that is remembered.
guest::Appliance Conversion::launch() {
  State& state = *m_state;
  state.report("appliance", "looking for an accelerator");
  state.accelerator = host::find_accelerator(state.request.state_dir, state.tools.commands);
  guest::ApplianceOptions options;
  for (std::size_t i = 0; i < state.overlays.size(); ++i) {
    options.disks.push_back({state.layout.disks[i].name, state.overlays[i]});
  }
  options.scratch = state.workspace->scratch() / "appliance";
  options.cache = "/var/tmp";
  options.progress = state.tools.progress;
  options.accelerator = for_appliance(state.accelerator);
  state.report("appliance", "starting");
  try {
    return guest::Appliance(options);
  } catch (const guest::LaunchError& error) {
    if (state.accelerator.kind != host::AcceleratorKind::kvm) {
      throw;
    }
    state.accelerator = {host::AcceleratorKind::tcg, error.message()};
    host::remember_accelerator(state.request.state_dir, state.accelerator, state.tools.commands);
    log_warning(fmt::format("{}; using plain emulation from now on", error.message()));
  }
  options.accelerator = guest::Accelerator::tcg;
  return guest::Appliance(options);
}

void Conversion::look_inside() {
  m_state->while_reading([&] { look_in_appliance(); });
}

void Conversion::look_in_appliance() {
  State& state = *m_state;
  open_overlays();
  const StageTimer timer(state.result, "appliance");
  guest::Appliance appliance = launch();
  state.report("appliance", "inspecting");
  state.guest = appliance.inspect(state.layout.renames,
                                  {root_argument(state.source.domain), state.request.root_device});
  appliance.close();
}

void Conversion::patch() {
  m_state->while_reading([&] { patch_in_appliance(); });
}

void Conversion::patch_in_appliance() {
  State& state = *m_state;
  open_overlays();
  {
    const StageTimer timer(state.result, "appliance");
    guest::Appliance appliance = launch();
    state.report("appliance", "inspecting");
    state.guest = appliance.inspect(
        state.layout.renames, {root_argument(state.source.domain), state.request.root_device});
    if (state.accelerator.kind != host::AcceleratorKind::kvm) {
      state.add_findings({plan::emulation_finding(state.accelerator.reason)});
    }
    fix_guest(appliance);
    appliance.trim();
    // What is refused needs no scrub: it is not copied.
    if (state.request.wishes.scrub && !model::any_blocks(state.result.findings)) {
      guest::Scrubbed scrubbed = appliance.scrub(state.guest, state.layout);
      state.result.edits.insert(state.result.edits.end(), scrubbed.edits.begin(),
                                scrubbed.edits.end());
      state.add_findings(std::move(scrubbed.findings));
    }
    appliance.close();
  }
  read_extents();
}

// Before all else: the kernels that are judged are those that are there then.
void Conversion::install_packages(guest::Appliance& appliance) {
  State& state = *m_state;
  const std::vector<std::string>& files = state.request.wishes.kernel_packages;
  if (files.empty()) {
    return;
  }
  state.report("appliance", "installing the supplied packages");
  guest::InstalledPackages installed = guest::install_kernel_packages(appliance.root(), files);
  state.result.edits = std::move(installed.edits);
  state.add_findings(std::move(installed.findings));
  guest::read_tree_facts(appliance.root(), state.guest);
}

void Conversion::fix_guest(guest::Appliance& appliance) {
  State& state = *m_state;
  const model::Domain& domain = state.source.domain;
  state.identity = new_identity(domain, state.name, state.request);
  install_packages(appliance);
  model::Findings seen = plan::check_guest(domain, state.guest, appliance.notes());
  model::GuestSurvey survey = appliance.survey();
  if (state.request.wishes.identity != model::IdentityProfile::move) {
    // The identity fixer says of each what becomes of it.
    seen.erase(
        std::remove_if(seen.begin(), seen.end(),
                       [](const model::Finding& one) { return one.id == "shared-identity"; }),
        seen.end());
    survey.overlays.clear();
  }
  state.add_findings(std::move(seen));
  state.add_findings(plan::check_inside(domain, state.guest, survey));
  // Emulation has all that a distribution may want, and of another host nothing is known.
  if (state.request.to == model::TargetHypervisor::kvm &&
      state.accelerator.kind == host::AcceleratorKind::kvm) {
    state.add_findings(plan::check_cpu_level(state.guest, host::own_cpu_level()));
  }
  guest::ChosenHardware chosen;
  if (state.becomes_hvm()) {
    chosen.hardware = guest::hvm_hardware(state.layout);
  } else {
    chosen = guest::choose_hardware(appliance.root(), state.guest, domain, state.layout,
                                    state.request.to);
  }
  state.hardware = std::move(chosen.hardware);
  state.add_findings(std::move(chosen.findings));
  appliance.also_call_disks(state.hardware.in_guest);
  check_by_site(&state.guest);
  NewIdsGiven ids;
  if (state.request.wishes.new_uuids) {
    ids = give_new_ids(appliance, state.guest, state.layout, domain, state.name, state.request.to);
    state.add_findings(std::move(ids.findings));
    state.result.edits.insert(state.result.edits.end(), ids.edits.begin(), ids.edits.end());
  }
  model::Domain described = domain;  // fixers read the kernel's arguments in it
  described.kind = state.source_kind();
  if (described.direct_boot) {
    described.direct_boot->cmdline =
        guest::with_new_ids(described.direct_boot->cmdline, ids.changes);
  }
  const std::string facts = guest::to_facts_json(
      {described, state.layout, state.guest, loaders(state.layout, state.disk_facts),
       state.request.to, state.request.wishes, state.identity.uuid, state.identity.macs,
       ids.changes, guest::images_with_old_ids(appliance.root(), ids.changes), state.hardware});

  const guest::FixerOptions options = fixer_options(domain);
  guest::StagedRoot staged(appliance.root());
  state.report("appliance", "working out the edits");
  const auto fixers = guest::load_fixers(state.tools.fixers);
  if (fixers.empty()) {  // the guest would be copied as it is, and would not boot
    throw Error(ErrorKind::not_found,
                fmt::format("there are no fixers in {}", state.tools.fixers.front().string()),
                "install vmconvert again, or build all of it");
  }
  guest::FixerRun run = guest::run_fixers(fixers, staged, facts, state.tools.commands, options);
  state.result.edits.insert(state.result.edits.end(), std::make_move_iterator(run.edits.begin()),
                            std::make_move_iterator(run.edits.end()));
  state.add_findings(std::move(run.findings));
  if (model::any_blocks(state.result.findings)) {
    return;  // the plan shows what was found so far; programs of the guest would only cost time
  }
  state.report("appliance", "writing the edits");
  staged.apply();
  state.add_findings(guest::run_deferred(run.runs, appliance.root(), state.tools.progress));
  // An HVM guest's description has no arguments any more: the menu in the disk has them.
  state.add_findings(look_for_old_ids(
      appliance, domain, state.becomes_hvm() ? model::TargetHypervisor::kvm : state.request.to,
      ids.changes));
  if (!run.watched.empty()) {
    state.report("appliance", "looking for old values");
    state.add_findings(guest::search_values(appliance.root(), run.watched));
  }
  state.report("appliance", "walking the boot path");
  const guest::BootPath path =
      guest::walk_boot_path(appliance.root(), state.guest, state.layout, state.request.to,
                            state.hardware, domain.direct_boot);
  check_pvh_kernel(appliance, path);
  for (const guest::BootLink& link : path.links) {
    state.result.boot_path.push_back({link.name, link.ok, link.what});
  }
  model::Findings gaps = path.findings();
  if (state.request.trial) {
    // A boot that is seen says more than a walk: the trial decides.
    for (model::Finding& gap : gaps) {
      gap.severity = model::Severity::warns;
    }
  }
  state.add_findings(std::move(gaps));
}

}  // namespace vmconvert::job
