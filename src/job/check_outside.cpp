// Facts for the checks that need no appliance: read here, judged in plan/. Whatever cannot be asked
// (no LVM, no daemon, no such driver) is left out: a check is no reason to fail.
#include <fmt/format.h>
#include <sys/statvfs.h>

#include <algorithm>

#include "base/ask_or.hpp"
#include "base/error.hpp"
#include "base/subprocess.hpp"
#include "disk/condition.hpp"
#include "disk/image_header.hpp"
#include "disk/probe.hpp"
#include "domain/devices.hpp"
#include "domain/make_hvm.hpp"
#include "domain/make_pvh.hpp"
#include "domain/pinning.hpp"
#include "domain/read.hpp"
#include "domain/rewrite.hpp"
#include "host/device_identity.hpp"
#include "host/disk_health.hpp"
#include "host/domain_state.hpp"
#include "host/lvm.hpp"
#include "host/neighbours.hpp"
#include "host/target_look.hpp"
#include "job/conversion.hpp"
#include "job/new_identity.hpp"
#include "job/site_checks.hpp"
#include "job/state.hpp"
#include "plan/check_fit.hpp"
#include "plan/check_outside.hpp"

namespace vmconvert::job {
namespace {

namespace fs = std::filesystem;

std::vector<plan::MissingTool> missing_tools(const Request& request) {
  // qemu-nbd serves the overlay, whatever the source's format is.
  std::vector<plan::MissingTool> wanted = {
      {"qemu-img", "qemu-utils"}, {"qemu-nbd", "qemu-utils"}, {"nbdkit", "nbdkit"}};
  if (request.trial) {
    wanted.push_back({"qemu-system-x86_64", "qemu-system-x86"});
  }
  if (request.storage && std::holds_alternative<model::VolumeGroupTarget>(*request.storage)) {
    wanted.push_back({"lvm", "lvm2"});
  }
  std::erase_if(
      wanted, [](const plan::MissingTool& tool) { return find_program(tool.program).has_value(); });
  return wanted;
}

std::optional<plan::StateRoom> state_room(const fs::path& state_dir) {
  struct statvfs info {};
  if (::statvfs(state_dir.c_str(), &info) != 0) {
    return std::nullopt;
  }
  return plan::StateRoom{state_dir,
                         ByteCount{static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize}};
}

std::vector<plan::HostGroup> host_groups(CommandRunner& commands) {
  std::vector<plan::HostGroup> groups;
  for (const host::VolumeGroup& group : host::volume_groups(commands)) {
    groups.push_back({group.name, group.uuid});
  }
  return groups;
}

std::vector<plan::UnfinishedJob> leftovers(const Request& request, const std::string& guest,
                                           const std::string& own) {
  std::vector<plan::UnfinishedJob> jobs;
  if (!fs::exists(request.state_dir / "jobs.sqlite")) {
    return jobs;
  }
  for (const JobRecord& job : Journal(request.state_dir).jobs()) {
    const bool ended = job.state == JobState::interrupted ||
                       (job.state == JobState::running && !is_alive(request.state_dir, job.id));
    if (ended && job.guest == guest && job.id != own) {
      jobs.push_back({job.id, job.guest});
    }
  }
  return jobs;
}

}  // namespace

// Before any program opens the disks: a qcow2 image may name files of this host.
void Conversion::check_description() {
  State& state = *m_state;
  const model::Domain& domain = state.source.domain;
  const std::string origin = "the description of " + domain.name;
  state.described = domain::read_devices(domain, origin);
  if (state.request.adjustments.xen_type == model::XenType::pvh && !state.original_xml.empty()) {
    const model::Domain before = domain::read_domain_xml(state.original_xml, origin);
    state.described.special = domain::read_devices(before, origin).special;
    const auto left = domain::left_by_pvh(before, origin);
    state.described.special.insert(state.described.special.end(), left.begin(), left.end());
  }
  if (state.becomes_hvm()) {
    const auto left = domain::left_by_hvm(domain::read_domain_xml(state.original_xml, origin));
    state.described.special.insert(state.described.special.end(), left.begin(), left.end());
  }
  std::vector<std::optional<model::ImageHeader>> headers(domain.disks.size());
  for (std::size_t i = 0; i < domain.disks.size(); ++i) {
    const model::DomainDisk& disk = domain.disks[i];
    std::error_code ignored;
    // One that is missing is probe()'s to report.
    if (disk.device == model::DiskDevice::disk && disk.format == model::DiskFormat::qcow2 &&
        fs::exists(disk.source, ignored)) {
      headers[i] = disk::read_image_header(disk.source, disk::disk_label(disk));
    }
  }
  // A job that goes on has its overlays already: what it may still need was asked when it began.
  state.add_findings(
      plan::check_host(missing_tools(state.request),
                       state.can_go_on ? std::nullopt : state_room(state.request.state_dir)));
  state.add_findings(plan::check_images(domain, headers, state.described));
  state.add_findings(plan::check_devices(state.described));
  state.add_findings(plan::check_pinning(domain::read_pinning(domain, origin)));
  const model::Findings& findings = state.result.findings;
  if (std::any_of(findings.begin(), findings.end(), [](const model::Finding& finding) {
        return !finding.acknowledged &&
               (finding.id == "image-chain-unnamed" || finding.id == "tool-missing");
      })) {
    refuse_if_blocked();
  }
}

void Conversion::check_disks() {
  State& state = *m_state;
  const model::Domain& domain = state.source.domain;
  CommandRunner& commands = state.tools.commands;
  std::vector<model::DeviceIdentity> devices;
  const std::string log = host::kernel_log();
  for (std::size_t i = 0; i < domain.disks.size(); ++i) {
    const model::DomainDisk& disk = domain.disks[i];
    const bool is_disk = disk.device == model::DiskDevice::disk;
    // A block that cannot be read is the copy's to judge: --bad-sectors may go on past it.
    state.conditions.push_back(
        is_disk ? ask_or(model::DiskCondition{}, "the disk's condition",
                         [&] { return disk::read_condition(disk, state.disk_facts.at(i)); })
                : model::DiskCondition{});
    devices.push_back(is_disk ? ask_or(model::DeviceIdentity{}, "the source device",
                                       [&] { return host::identify_device(disk.source, commands); })
                              : model::DeviceIdentity{});
    if (is_disk) {
      state.add_findings(plan::check_health(
          disk, ask_or(std::vector<model::DiskHealth>(), "the disks below the source",
                       [&] { return host::disk_health(disk.source, log, commands); })));
    }
  }
  state.add_findings(plan::check_identity(domain, devices, state.disk_facts, state.conditions));
  state.add_findings(plan::check_tables(domain, state.disk_facts, state.conditions));
  state.add_findings(
      plan::check_regions(domain, state.conditions,
                          ask_or(std::vector<plan::HostGroup>(), "this host's volume groups",
                                 [&] { return host_groups(commands); })));
  if (!state.request.source.uri.empty()) {
    const std::string& uri = state.request.source.uri;
    state.add_findings(ask_or(model::Findings(), "the source's neighbours", [&] {
      const auto connection = host::Connection::open(uri, host::Access::read_only);
      const auto now = host::domain_state(connection, domain.name);
      return plan::check_source_host(
          state.snapshots ? state.snapshots->as_described(domain) : domain,
          host::neighbours(connection), now && now->autostart.value_or(false));
    }));
  }
  const std::string own = state.workspace ? state.workspace->job_id() : std::string();
  state.add_findings(
      plan::check_leftovers(ask_or(std::vector<plan::UnfinishedJob>(), "earlier jobs",
                                   [&] { return leftovers(state.request, domain.name, own); })));
}

void Conversion::check_target_host(const host::TargetLook& look) {
  State& state = *m_state;
  plan::TargetHost host;
  host.uri = state.target_uri;
  host.name = state.name;
  host.starts = state.request.start;
  host.others = look.neighbours;
  host.node = look.node;
  host.missing_bridges = look.missing_bridges;
  host.missing_networks = look.missing_networks;
  if (state.request.to == model::TargetHypervisor::kvm) {
    const std::string& arch = state.source.domain.arch;
    state.add_findings(plan::check_machine(
        arch, state.request.stylesheet.empty() ? domain::RewriteRequest().machine : "",
        look.machines, state.target_uri));
    state.add_findings(
        plan::check_firmware(state.source.domain.uefi, look.machines, state.target_uri));
  } else if (state.becomes_hvm()) {
    state.add_findings(
        plan::check_hvm_offer(state.source.domain.arch, look.machines, state.target_uri));
  } else if (state.source.domain.kind == model::VirtKind::pvh) {
    state.add_findings(
        plan::check_pvh_offer(state.source.domain.arch, look.machines, state.target_uri));
  }
  model::Domain domain = state.source.domain;
  const NewIdentity identity = new_identity(domain, state.name, state.request);
  for (std::size_t i = 0; i < identity.macs.size() && i < domain.nics.size(); ++i) {
    domain.nics[i].mac = identity.macs[i];
  }
  state.add_findings(plan::check_target_host(domain, host));
}

// Once from outside, once with the inside known; what is said twice is reported once.
void Conversion::check_by_site(const model::GuestFacts* guest) {
  State& state = *m_state;
  const std::string place =
      state.layout.disks.empty() ? "" : state.disk_path(state.layout.disks.front()).string();
  const SiteFacts facts{state.source.domain,
                        state.disk_facts,
                        state.conditions,
                        state.result.findings,
                        guest,
                        state.request.source.uri,
                        state.name,
                        state.target_uri,
                        place,
                        state.request.to};
  model::Findings findings =
      run_site_checks(state.request.site_checks, to_site_json(facts), state.tools.commands);
  std::erase_if(findings, [&](const model::Finding& finding) {
    return std::any_of(state.result.findings.begin(), state.result.findings.end(),
                       [&](const model::Finding& known) {
                         return known.id == finding.id && known.message == finding.message;
                       });
  });
  state.add_findings(std::move(findings));
}

}  // namespace vmconvert::job
