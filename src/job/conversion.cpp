// The first look, and what the parts of the story share. patch.cpp and carry_out.cpp go on.
#include "job/conversion.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "disk/probe.hpp"
#include "domain/adjust.hpp"
#include "domain/values.hpp"
#include "guest/kernel_packages.hpp"
#include "host/in_use.hpp"
#include "host/libvirt.hpp"
#include "host/target_look.hpp"
#include "job/hooks.hpp"
#include "job/state.hpp"
#include "plan/checks.hpp"
#include "plan/layout.hpp"

namespace vmconvert::job {
namespace {

namespace fs = std::filesystem;

// The name is part of file names: a path must not come in through it.
void require_plain_name(const std::string& name) {
  try {
    domain::check_domain_name(name, "--name");
  } catch (const Error& error) {
    throw Error(ErrorKind::usage, error.message(),
                "use letters, digits, dots, dashes and underscores");
  }
}

std::vector<fs::path> source_paths(const model::Domain& domain) {
  std::vector<fs::path> paths;
  for (const model::DomainDisk& disk : domain.disks) {
    if (disk.device == model::DiskDevice::disk) {
      paths.push_back(fs::absolute(disk.source));
    }
  }
  return paths;
}

// One name for a disk, however it was named: /dev/vg/lv and /dev/mapper/vg-lv are one. Until the
// next boot only, as device-mapper numbers its devices anew: nothing that is kept may use it.
std::vector<fs::path> real_paths(const model::Domain& domain) {
  std::vector<fs::path> paths = source_paths(domain);
  for (fs::path& path : paths) {
    std::error_code error;
    const fs::path real = fs::canonical(path, error);
    path = error ? path : real;
  }
  return paths;
}

plan::HostFacts read_host(const OpenedSource& source, bool snapshots) {
  plan::HostFacts host;
  host.snapshots = snapshots;
  host.domain_active = source.active;
  for (const host::InUse& use : host::find_users(real_paths(source.domain))) {
    if (use.writes) {  // a read-only mount does no harm to a reader
      host.source_uses.push_back({use.path, use.who});
    }
  }
  return host;
}

}  // namespace

Conversion::Conversion(Request request, Tools tools)
    : m_state(std::make_unique<State>(std::move(request), std::move(tools))) {}

Conversion::~Conversion() = default;

const model::Domain& Conversion::domain() const {
  return m_state->source.domain;
}
const model::Layout& Conversion::layout() const {
  return m_state->layout;
}
const model::GuestFacts& Conversion::guest() const {
  return m_state->guest;
}
model::RunResult& Conversion::result() {
  return m_state->result;
}

void Conversion::State::add_findings(model::Findings findings) {
  for (model::Finding& finding : findings) {
    result.findings.push_back(std::move(finding));
  }
  static_cast<void>(model::acknowledge(result.findings, request.accepted));
}

void Conversion::State::run_hook(const model::Hook& hook, const std::string& error) {
  report("hook", hook.argv.front());
  const HookContext context{workspace ? workspace->job_id() : "", source.domain.name, name,
                            request.source.text, error};
  const auto ahead = source_before ? state_now(*source_before) : std::nullopt;
  result.hooks.push_back(job::run_hook(hook, context, tools.commands));
  if (ahead) {
    note_hook(*source_before, ahead);
    keep_source_before();
  }
  judge(hook, result.hooks.back());
}

// From begin_job() on: before it there is no folder to keep it in.
void Conversion::State::keep_source_before() const {
  if (source_before && journal) {
    save_source_before(workspace->keep(), *source_before);
  }
}

void Conversion::State::run_hooks(model::HookPoint when, const std::string& error) {
  for (const model::Hook& hook : request.hooks) {
    if (hook.when == when) {
      run_hook(hook, error);
    }
  }
}

bool Conversion::State::watches_sources() const {
  return std::none_of(
      result.findings.begin(), result.findings.end(), [](const model::Finding& found) {
        return found.acknowledged && (found.id == "source-in-use" || found.id == "source-running" ||
                                      found.id == "snapshot-impossible");
      });
}

void Conversion::State::require_sources_unchanged() const {
  if (watches_sources()) {
    disk::require_unchanged(marks);
  }
}

void Conversion::read_source() {
  State& state = *m_state;
  const StageTimer timer(state.result, "layout");
  state.report("layout", "reading the description");
  if (!state.request.name.empty()) {
    require_plain_name(state.request.name);
  }
  if (state.request.record) {
    if (!state.source_before) {  // a job that goes on knows it
      state.source_before = look_at_domain(state.request.source);
    }
    state.run_hooks(model::HookPoint::begin);
  }
  state.source = open_source(state.request.source);
  state.name = state.request.name.empty() ? state.source.domain.name : state.request.name;
  state.original_xml = state.source.domain.xml;
  state.source.domain =
      domain::adjusted(state.source.domain, state.request.adjustments, state.name);
  begin_job();
  look_at_source();
  if (state.request.storage) {
    check_target();
  }
  check_by_site(nullptr);
}

// The disks from outside, and whether they are at rest.
void Conversion::look_at_source() {
  State& state = *m_state;
  const model::Domain& domain = state.source.domain;
  state.name = state.request.name.empty() ? domain.name : state.request.name;
  state.result.guest = domain.name;
  for (const fs::path& path : real_paths(domain)) {
    state.locks.emplace_back(state.request.state_dir, path.string());
  }
  state.add_findings(
      plan::check_at_rest(domain, read_host(state.source, state.request.snapshot.has_value())));
  if (state.source.active) {
    refuse_if_blocked();  // a running guest's disks are not even looked at
  }
  if (state.source.active && state.request.start) {  // whatever else was accepted
    throw Error(ErrorKind::refused,
                fmt::format("{} runs: the new domain must not be started beside it", domain.name),
                "leave --start out, or shut the source down first");
  }
  read_through_snapshots();
  check_description();
  state.add_findings(guest::check_kernel_packages(state.request.wishes.kernel_packages));
  for (const model::DomainDisk& disk : domain.disks) {
    state.disk_facts.push_back(
        disk.device == model::DiskDevice::disk
            ? disk::probe(disk, state.tools.commands, state.request.on_bad_sector)
            : model::DiskFacts{});
  }
  for (const fs::path& path : source_paths(domain)) {
    state.marks.push_back(disk::mark_source(path));
  }
  state.add_findings(plan::check_source(domain, state.disk_facts));
  check_disks();
  state.layout = plan::make_layout(domain, state.disk_facts);
}

// The place for the results, before any long work: it must be there, and free.
void Conversion::check_target() {
  State& state = *m_state;
  if (state.needs_connection()) {
    const bool xen = state.request.to == model::TargetHypervisor::xen;
    state.target_uri = !state.request.target_uri.empty() ? state.request.target_uri
                       : xen                             ? "xen:///system"
                             : host::default_target_uri(state.request.state_dir);
  }
  state.place.emplace(*state.request.storage, state.target_uri, state.tools.commands);
  plan::TargetFacts target;
  target.name = state.name;
  for (const model::TargetDisk& disk : state.layout.disks) {
    state.locks.emplace_back(state.request.state_dir, state.disk_path(disk).string());
  }
  state.place->look(target, state.name, state.layout);
  if (state.defines()) {
    const bool to_kvm = state.request.to == model::TargetHypervisor::kvm;
    const host::TargetLook look = host::look_at_target(
        state.target_uri,
        {state.name, new_identity(state.source.domain, state.name, state.request).uuid,
         to_kvm || state.becomes_hvm() || state.source.domain.kind == model::VirtKind::pvh
             ? state.source.domain.arch
             : "",
         state.described.bridges, state.described.networks,
         to_kvm && state.source.domain.uefi ? domain::RewriteRequest().machine : ""});
    target.uri = state.target_uri;
    target.name_defined = look.name_defined;
    target.uuid_defined = look.uuid_defined;
    state.domain_types = look.domain_types;
    check_target_host(look);
  }
  state.add_findings(plan::check_target(target));
}

void Conversion::refuse_if_blocked() {
  State& state = *m_state;
  model::Findings& findings = state.result.findings;
  std::vector<std::string> blocking;
  std::string remedy;
  for (const model::Finding& finding : findings) {
    if (finding.severity == model::Severity::blocks && !finding.acknowledged) {
      blocking.push_back(fmt::format("[{}] {}", finding.id, finding.message));
      const std::string advice = finding.remedy.substr(0, finding.remedy.find_last_not_of('.') + 1);
      remedy += (remedy.empty() || advice.empty() ? "" : "; ") + advice;
    }
  }
  if (!blocking.empty()) {
    throw Error(ErrorKind::refused,
                fmt::format("{} is refused: {}", state.source.domain.name, join(blocking, "; ")),
                remedy + ". To go on in spite of it, name the finding: --accept ID");
  }
}

}  // namespace vmconvert::job
