// Sources that have lost sectors, where the operator wants to go on in spite of that: noted while
// they are read, told of when the copy is done.
#include <fmt/format.h>

#include <filesystem>

#include "base/log.hpp"
#include "base/text.hpp"
#include "disk/extent_map.hpp"
#include "disk/probe.hpp"
#include "job/carrier.hpp"
#include "job/place_on.hpp"

namespace vmconvert::job {
namespace {

namespace fs = std::filesystem;

fs::path map_of(const Workspace& workspace, const model::DomainDisk& disk) {
  return workspace.keep() / (disk.target + ".mapfile");
}

}  // namespace

disk::BadSectors* Conversion::Carrier::bad_sectors_of(const fs::path& source,
                                                      const std::string& what, ByteCount size) {
  if (m_state.request.on_bad_sector == disk::OnBadSector::stop) {
    return nullptr;
  }
  auto& found = m_state.bad_sectors[source];
  for (const model::DomainDisk& disk : m_state.source.domain.disks) {
    if (!found && fs::absolute(disk.source) == source) {
      found = std::make_unique<disk::BadSectors>(map_of(*m_state.workspace, disk), size, what);
    }
  }
  return found.get();
}

// From the maps, for a process before this one may have found them.
void Conversion::Carrier::tell_of_bad_sectors() {
  const std::vector<model::DomainDisk>& sources = m_state.source.domain.disks;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const fs::path map = map_of(*m_state.workspace, sources[i]);
    if (m_state.request.on_bad_sector == disk::OnBadSector::stop || !fs::exists(map)) {
      continue;
    }
    const disk::BadSectors bad(map, m_state.disk_facts.at(i).size, disk::disk_label(sources[i]));
    ByteCount lost;
    std::vector<std::string> places;
    for (const model::ByteRange& range : bad.ranges()) {
      lost = lost + range.length;
    }
    for (const model::PlannedDisk& planned : m_plan.disks) {
      const auto ranges = disk::on_target(planned.layout, i, bad.ranges());
      if (!ranges.empty()) {
        const TargetDisk& target = m_disks.at(planned.layout.name);
        const std::string where =
            place_on({target.path(), target.format(), m_state.workspace->scratch()}, ranges,
                     m_state.tools.allocation_reader, m_state.tools.commands);
        places.push_back(fmt::format("{} at byte {}{}{}", planned.layout.name,
                                     ranges.front().offset.value, where.empty() ? "" : ", ",
                                     where));
      }
    }
    const model::Finding finding{
        "bad-sectors", model::Severity::warns,
        fmt::format("{}: {} bytes in {} places could not be read and are zeros on the new disk: {}",
                    bad.what(), lost.value, bad.ranges().size(), join(places, "; ")),
        fmt::format("restore these files from a backup; ddrescue tries the sectors again by the "
                    "map {}",
                    map.string()),
        false};
    m_state.add_findings({finding});
    log_warning(fmt::format("{} (map: {})", finding.message, map.string()));
  }
}

}  // namespace vmconvert::job
