// What is known of the job now, as its report keeps it. A process that resumes a job never read the
// guest: what it does not know comes from the report of the one before.
#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/log.hpp"
#include "job/conversion.hpp"
#include "job/saved_report.hpp"
#include "job/state.hpp"

namespace vmconvert::job {
namespace {

constexpr std::uint64_t k_cells = 480;  // a disk on paper: about as many dots as people see

// Equal slices, and how many bytes of each kind lie in them.
std::vector<model::ReportCell> to_cells(const std::vector<model::Extent>& extents, ByteCount size) {
  std::vector<model::ReportCell> cells(size.value == 0 ? 0 : k_cells);
  const std::uint64_t slice = std::max<std::uint64_t>(1, (size.value + k_cells - 1) / k_cells);
  for (const model::Extent& extent : extents) {
    std::uint64_t at = extent.offset.value;
    std::uint64_t left = extent.length.value;
    while (left > 0 && at / slice < cells.size()) {
      const std::uint64_t part = std::min(left, slice - at % slice);
      model::ReportCell& cell = cells[at / slice];
      (extent.kind == model::ExtentKind::patched  ? cell.patched
       : extent.kind == model::ExtentKind::needed ? cell.needed
                                                  : cell.skipped) += part;
      at += part;
      left -= part;
    }
  }
  return cells;
}

model::ReportDisk to_disk(const model::PlannedDisk& planned, const model::Domain& domain) {
  model::ReportDisk disk;
  disk.name = planned.layout.name;
  disk.size = planned.layout.size.value;
  disk.table = model::to_string(planned.layout.table);
  disk.composed = planned.layout.composed;
  for (const model::Segment& segment : planned.layout.segments) {
    disk.segments.push_back({segment.kind == model::SegmentKind::source
                                 ? domain.disks.at(segment.source).source.string()
                                 : std::string(),
                             segment.length.value});
  }
  disk.partitions = planned.layout.partitions;
  disk.allocation = planned.allocation;
  disk.cells = to_cells(planned.extents, planned.layout.size);
  return disk;
}

}  // namespace

// Once: when the plan is made. By then its findings and edits are final, but for a trial's.
void Conversion::begin_report(const model::Plan& plan) {
  State& state = *m_state;
  model::JobReport report;
  report.job = state.workspace->job_id();
  report.guest = plan.source.name;
  report.name = plan.name;
  report.source = state.request.source.text;
  report.program = state.tools.version;
  report.kind = model::to_string(plan.source.kind);
  report.to = model::to_string(plan.to);
  if (plan.to == model::TargetHypervisor::xen) {
    report.new_kind = model::to_string(plan.kind);
  }
  report.memory = plan.source.memory.value;
  report.vcpus = plan.source.vcpus;
  report.inside = plan.guest;
  report.renames = plan.layout.renames;
  report.edits = plan.edits;
  report.findings = plan.findings;
  report.boot_path = state.result.boot_path;
  report.xml_diff = plan.domain_xml_diff;
  report.accelerator = state.accelerator.kind == host::AcceleratorKind::kvm ? "kvm" : "emulation";
  for (const model::PlannedDisk& disk : plan.disks) {
    report.disks.push_back(to_disk(disk, plan.source));
  }
  for (const model::Step& step : plan.steps) {
    report.steps.push_back(model::describe(step));
  }
  state.report_so_far = std::move(report);
}

// A report that cannot be written is no reason to lose a conversion.
void Conversion::keep_report(const std::string& ended, const std::string& problem) {
  State& state = *m_state;
  if (!state.journal || !state.report_so_far) {
    return;
  }
  model::JobReport report = *state.report_so_far;
  report.state = ended.empty() ? "running" : ended;
  report.error = problem;
  report.trial = state.result.trial;
  report.xml_path = state.result.domain_xml_path;
  report.defined_on = state.result.defined_on;
  for (std::size_t i = 0; i < report.disks.size() && i < state.result.disks.size(); ++i) {
    const model::DiskResult& result = state.result.disks[i];
    report.disks[i].path = result.path;
    report.disks[i].read = result.read.value;
    report.disks[i].written = result.written.value;
    report.disks[i].skipped = result.skipped.value;
    report.disks[i].checksum = result.checksum;
  }
  report.runs.push_back(state.recorder->run(ended));
  try {
    save_report(state.workspace->keep(), report);
  } catch (const Error& error) {
    log_warning(fmt::format("the report of the job could not be kept: {}", error.message()));
  }
}

// In a process that goes on with a job.
void Conversion::reopen_report() {
  State& state = *m_state;
  state.report_so_far = load_report(state.workspace->keep());
}

}  // namespace vmconvert::job
