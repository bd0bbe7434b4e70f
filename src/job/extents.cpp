// Which bytes are copied: what the overlays' maps say after the trim, less what the filesystems on
// the sources call free themselves.
#include <fmt/format.h>

#include "base/text.hpp"
#include "disk/allocation_map.hpp"
#include "disk/bundle_disk.hpp"
#include "disk/extent_map.hpp"
#include "disk/overlay.hpp"
#include "disk/probe.hpp"
#include "job/conversion.hpp"
#include "job/state.hpp"
#include "plan/check_inside.hpp"
#include "plan/check_outside.hpp"
#include "plan/checks.hpp"

namespace vmconvert::job {
namespace {

std::vector<model::ByteRange> regions_of(const model::DiskFacts& facts) {
  if (facts.table == model::TableKind::none) {
    return {{{}, facts.size}};
  }
  std::vector<model::ByteRange> regions;
  for (const model::Partition& part : facts.partitions) {
    regions.push_back({part.start, part.length});
  }
  return regions;
}

// A note about a place on a source, for where that place comes to lie.
void add_notes(std::vector<model::AllocationNote>& notes, const model::TargetDisk& disk,
               std::size_t source, const std::vector<model::AllocationNote>& read) {
  for (model::AllocationNote note : read) {
    const auto place = disk::on_target(disk, source, {{note.offset, ByteCount{k_sector_size}}});
    if (!place.empty()) {
      note.offset = place.front().offset;
      notes.push_back(std::move(note));
    }
  }
}

// What superblocks cannot tell (XFS), and what lies in volumes of the guest's.
void report_journals(model::Findings& findings, const std::vector<model::AllocationNote>& notes) {
  for (const model::AllocationNote& note : notes) {
    const bool seen_from_outside = note.content.starts_with("ext");
    if (!seen_from_outside && note.why.find("replayed") != std::string::npos) {
      findings.push_back(plan::journal_finding(printable(note.content), note.why));
    }
  }
}

}  // namespace

// By source disk; empty for one whose map is not asked for.
std::vector<disk::AllocationMap> Conversion::read_free_space() const {
  const State& state = *m_state;
  const std::vector<model::DomainDisk>& sources = state.source.domain.disks;
  std::vector<disk::AllocationMap> maps(sources.size());
  for (std::size_t i = 0; i < sources.size(); ++i) {
    if (sources[i].device == model::DiskDevice::disk &&
        sources[i].format == model::DiskFormat::raw && !disk::is_bundle_disk(sources[i].source) &&
        state.disk_facts[i].table_problem.empty()) {
      maps[i] = disk::read_allocation(sources[i].source, disk::disk_label(sources[i]),
                                      regions_of(state.disk_facts[i]),
                                      state.tools.allocation_reader, state.tools.commands);
    }
  }
  return maps;
}

// The sources are as they were: what their filesystems call free there is not read. Where the
// patching has used such a block since, the overlay holds it.
void Conversion::read_extents() {
  State& state = *m_state;
  const StageTimer timer(state.result, "map");
  const std::vector<disk::AllocationMap> maps = read_free_space();
  for (std::size_t i = 0; i < state.layout.disks.size(); ++i) {
    const model::TargetDisk& disk = state.layout.disks[i];
    state.report("map", disk.name);
    std::vector<model::Extent> extents =
        disk::map_overlay(state.overlays[i], disk.size, state.tools.commands);
    std::vector<model::AllocationNote> notes;
    for (std::size_t source = 0; source < maps.size(); ++source) {
      extents = disk::without_free(extents, disk::on_target(disk, source, maps[source].free));
      add_notes(notes, disk, source, maps[source].notes);
    }
    report_journals(state.result.findings, notes);
    state.extents.push_back(std::move(extents));
    state.allocation.push_back(std::move(notes));
  }
  if (state.place) {
    check_room();
  }
}

// Known now, and said together with whatever else stands in the way.
void Conversion::check_room() {
  State& state = *m_state;
  ByteCount to_write;
  for (const std::vector<model::Extent>& extents : state.extents) {
    const model::ExtentTotals sum = model::totals(extents);
    to_write = to_write + sum.needed + sum.patched;
  }
  plan::TargetFacts target;
  state.place->look_for_room(target, to_write);
  state.add_findings(plan::check_target(target));
  ByteCount sizes;
  for (const model::TargetDisk& disk : state.layout.disks) {
    sizes = sizes + disk.size;
  }
  state.add_findings(plan::check_pool(state.place->pool_fill(), to_write, sizes));
}

}  // namespace vmconvert::job
