// The plan: what patch() found, the domain XML to be, and the steps in order.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <random>

#include "base/diff.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "domain/adjust.hpp"
#include "domain/rewrite.hpp"
#include "domain/validate.hpp"
#include "domain/xml.hpp"
#include "host/libvirt.hpp"
#include "job/conversion.hpp"
#include "job/state.hpp"

namespace vmconvert::job {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> sources_of(const model::TargetDisk& disk, const model::Domain& domain) {
  std::vector<std::string> paths;
  for (const model::Segment& segment : disk.segments) {
    if (segment.kind == model::SegmentKind::source) {
      const std::string path = domain.disks.at(segment.source).source.string();
      if (paths.empty() || paths.back() != path) {
        paths.push_back(path);
      }
    }
  }
  return paths;
}

std::string random_uuid() {
  std::random_device random;
  const auto part = [&](unsigned keep, unsigned set) { return (random() & keep) | set; };
  return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:08x}{:04x}", random(), part(0xffff, 0),
                     part(0x0fff, 0x4000), part(0x3fff, 0x8000), random(), part(0xffff, 0));
}

}  // namespace

// xvda for a Xen guest; vda for a KVM guest, or its place among the IDE disks.
std::string Conversion::State::target_name(const model::TargetDisk& disk) const {
  for (std::size_t i = 0; i < std::min(hardware.places.size(), layout.disks.size()); ++i) {
    if (layout.disks[i].name == disk.name) {
      return hardware.places[i];
    }
  }
  return (request.to == model::TargetHypervisor::xen ? "x" : "") + disk.name;
}

domain::RewriteDisk Conversion::State::rewritten(const model::TargetDisk& disk) const {
  return {target_name(disk), disk_path(disk), place->format(),
          place->is_block(), disk.readonly,   hardware.disk_bus};
}

// kvm where it is known to work here and the target offers it, else plain emulation.
std::string Conversion::virt_type() const {
  const State& state = *m_state;
  if (state.request.to == model::TargetHypervisor::xen) {
    return "xen";
  }
  if (state.accelerator.kind != host::AcceleratorKind::kvm) {
    return "qemu";
  }
  if (state.defines()) {
    const auto& types = state.domain_types;
    return std::find(types.begin(), types.end(), "kvm") == types.end() ? "qemu" : "kvm";
  }
  return "kvm";
}

std::string Conversion::make_domain_xml() const {
  const State& state = *m_state;
  const bool to_xen = state.request.to == model::TargetHypervisor::xen;
  domain::RewriteRequest rewrite;
  rewrite.source_xml = state.source.domain.xml;
  rewrite.stylesheet =
      !state.request.stylesheet.empty()
          ? state.request.stylesheet
          : state.tools.templates / "domain" / (to_xen ? "xen-to-xen.xsl" : "xen-to-kvm.xsl");
  rewrite.name = state.name;
  rewrite.uuid = state.identity.uuid == state.source.domain.uuid ? "" : state.identity.uuid;
  rewrite.macs = state.identity.macs;
  if (rewrite.uuid.empty() && state.source.domain.uuid.empty()) {
    rewrite.uuid = random_uuid();  // ours to know: what is defined must be found again
  }
  rewrite.virt_type = virt_type();
  rewrite.arch = state.source.domain.arch;
  rewrite.nic_model = state.hardware.nic_model;
  for (const model::TargetDisk& disk : state.layout.disks) {
    rewrite.disks.push_back(state.rewritten(disk));
  }
  const std::string& from = state.request.source.uri;
  std::string xml = domain::with_provenance(
      domain::rewrite_domain(rewrite),
      {state.workspace->job_id(), (from.empty() ? "" : from + " ") + state.request.source.text,
       fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr))), state.tools.version});
  const domain::Validation validation = domain::validate_domain_xml(xml);
  if (!validation.checked) {
    log_detail(validation.note);
  }
  return xml;
}

std::vector<model::Step> Conversion::make_steps(const model::Plan& plan) const {
  const State& state = *m_state;
  std::vector<model::Step> steps;
  if (state.request.trial) {
    steps.emplace_back(trial_step());
  }
  if (!state.request.storage) {
    return steps;
  }
  const auto add_hooks = [&](model::HookPoint when) {
    for (const model::Hook& hook : state.request.hooks) {
      if (hook.when == when) {
        steps.emplace_back(model::RunHook{hook});
      }
    }
  };
  add_hooks(model::HookPoint::before_copy);
  for (const model::PlannedDisk& disk : plan.disks) {
    steps.push_back(state.place->create_step(disk, state.name));
  }
  for (const model::PlannedDisk& disk : plan.disks) {
    steps.emplace_back(model::CopyDisk{disk.layout.name, disk.path, model::totals(disk.extents)});
  }
  for (const model::PlannedDisk& disk : plan.disks) {
    steps.emplace_back(model::VerifyDisk{disk.layout.name, disk.path});
  }
  if (const auto refresh = state.place->refresh_step()) {
    steps.push_back(*refresh);
  }
  steps.emplace_back(model::WriteDomainXml{state.xml_path()});
  add_hooks(model::HookPoint::before_define);
  if (state.defines()) {
    steps.emplace_back(model::DefineDomain{state.target_uri, state.name});
    if (state.request.start) {
      steps.emplace_back(model::StartDomain{state.target_uri, state.name});
    }
  }
  add_hooks(model::HookPoint::end);
  return steps;
}

model::Plan Conversion::make_plan() {
  State& state = *m_state;
  model::Plan plan;
  plan.source = state.source.domain;
  plan.source.kind = state.source_kind();
  plan.kind = state.source.domain.kind;
  plan.name = state.name;
  plan.to = state.request.to;
  plan.layout = state.layout;
  plan.guest = state.guest;
  plan.edits = state.result.edits;
  for (std::size_t i = 0; i < state.layout.disks.size(); ++i) {
    const model::TargetDisk& disk = state.layout.disks[i];
    plan.disks.push_back(
        {disk,
         sources_of(disk, state.snapshots ? state.snapshots->as_described(state.source.domain)
                                          : state.source.domain),
         state.disk_path(disk), state.extents.at(i), state.allocation.at(i)});
    const model::ExtentTotals sum = model::totals(state.extents.at(i));
    state.result.disks.push_back({disk.name, join(plan.disks.back().sources, ", "), "", disk.size,
                                  sum.needed + sum.patched, sum.needed + sum.patched, sum.skipped,
                                  ""});
  }
  if (state.request.storage) {
    plan.domain_xml = state.saved_domain_xml.empty() ? make_domain_xml() : state.saved_domain_xml;
    plan.domain_xml_diff = unified_diff(
        "source", domain::pretty(state.original_xml.empty() ? plan.source.xml : state.original_xml),
        plan.name + ".xml", plan.domain_xml);
  }
  // Every check has spoken by now: an id that nothing was found for is a slip of the operator's.
  const auto unknown = model::acknowledge(state.result.findings, state.request.accepted);
  if (!unknown.empty()) {
    throw Error(ErrorKind::usage,
                fmt::format("--accept {}: nothing was found by that id", unknown.front()),
                "leave it out; vmconvert check lists what is found");
  }
  plan.findings = state.result.findings;
  plan.steps = make_steps(plan);
  return plan;
}
}  // namespace vmconvert::job
