#include "job/source_snapshots.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "host/lvm.hpp"
#include "host/new_volume.hpp"
#include "job/journal.hpp"
#include "job/state_json.hpp"
#include "job/workspace.hpp"
#include "plan/check_outside.hpp"

namespace vmconvert::job {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr std::uint64_t k_longest_file = 1U << 20U;
constexpr const char* k_impossible = "snapshot-impossible";

// The volume that a disk is, or why there can be no snapshot of it.
struct Origin {
  std::optional<host::LogicalVolume> volume;
  std::string problem;
};

Origin look_at(const model::DomainDisk& disk, CommandRunner& commands) {
  if (disk.format != model::DiskFormat::raw) {
    return {std::nullopt, fmt::format("its format is {}", model::to_string(disk.format))};
  }
  const auto name = host::volume_of(commands, disk.source);
  auto volume = name ? host::logical_volume(commands, *name) : std::nullopt;
  if (!volume) {
    return {std::nullopt, "it is no logical volume of this host"};
  }
  if (volume->path.empty() || (volume->pool.empty() && !volume->origin.empty())) {
    return {std::nullopt, host::to_text(*name) + " is a snapshot or a pool itself"};
  }
  return {std::move(volume), ""};
}

bool can_go_on(const fs::path& state_dir, const std::string& id) {
  if (!fs::exists(state_dir / "jobs.sqlite")) {
    return false;
  }
  const auto job = Journal(state_dir).job(id);
  return job && (job->state == JobState::running || job->state == JobState::interrupted);
}

bool is_hard_disk(const model::DomainDisk& disk) {
  return disk.device == model::DiskDevice::disk && !disk.source.empty();
}

}  // namespace

SourceSnapshots::SourceSnapshots(fs::path folder, std::string job, CommandRunner& commands)
    : m_folder(std::move(folder)), m_job(std::move(job)), m_commands(commands) {}

SourceSnapshots::~SourceSnapshots() {
  if (m_keep || m_taken.empty()) {
    return;
  }
  try {
    remove();
  } catch (const std::exception& problem) {
    log_warning(problem.what());
  }
}

void SourceSnapshots::save() const {
  Json list = Json::array();
  for (const Taken& taken : m_taken) {
    list.push_back({{"origin", taken.origin.string()},
                    {"path", taken.path.string()},
                    {"made", to_json(taken.made)}});
  }
  AtomicFile file(m_folder / k_snapshots_file, 0600);
  file.write(Json{{"version", 1}, {"snapshots", std::move(list)}}.dump(
      -1, ' ', false, Json::error_handler_t::replace));
  file.commit(Overwrite::yes);
}

void SourceSnapshots::load() {
  const fs::path path = m_folder / k_snapshots_file;
  m_taken.clear();
  if (!fs::exists(path)) {
    return;
  }
  try {
    const Json json = parse_state_json(read_text_file(path, k_longest_file));
    for (const Json& entry : json.at("snapshots")) {
      m_taken.push_back(
          {entry.at("origin").get<std::string>(), entry.at("path").get<std::string>(),
           std::get<MadeVolume>(made_from_json(entry.at("made").get<std::string>()))});
    }
  } catch (const std::exception& error) {
    m_taken.clear();
    throw Error(ErrorKind::bad_input,
                fmt::format("{} cannot be understood: {}", path.string(), error.what()),
                fmt::format("look for volumes with the tag {} (lvs -o +lv_tags), remove them, then "
                            "that file",
                            host::job_tag(m_job)));
  }
}

model::Findings SourceSnapshots::take(const model::Domain& domain, const model::SnapshotSize& size,
                                      const std::vector<std::string>& accepted) {
  load();
  remove();
  std::vector<std::pair<const model::DomainDisk*, host::LogicalVolume>> origins;
  model::Findings findings;
  for (const model::DomainDisk& disk : domain.disks) {
    if (is_hard_disk(disk)) {
      Origin origin = look_at(disk, m_commands);
      if (origin.volume) {
        origins.emplace_back(&disk, std::move(*origin.volume));
      } else {
        findings.push_back(plan::snapshot_impossible(disk, origin.problem));
      }
    }
  }
  const bool wanted = std::find(accepted.begin(), accepted.end(), k_impossible) != accepted.end();
  if (!findings.empty() && !wanted) {
    return findings;
  }
  for (const auto& [disk, volume] : origins) {
    const ByteCount room = volume.pool.empty() ? size.of(volume.size) : ByteCount{};
    const host::VolumeName name{volume.name.group,
                                fmt::format("vmconvert-{}-{}", m_job, m_taken.size() + 1)};
    m_taken.push_back({disk->source,
                       host::device_path(name),
                       {name.group, name.volume, "", disk->target, m_job}});
    save();
    host::Snapshot snapshot({volume.name, name.volume, room, m_job}, m_commands);
    m_taken.back().made.uuid = snapshot.uuid();
    save();
    snapshot.keep();
    findings.push_back(
        plan::snapshot_taken(*disk, host::to_text(volume.name), host::to_text(name), room));
  }
  return findings;
}

void SourceSnapshots::reopen() {
  keep();
  load();
  for (const Taken& taken : m_taken) {
    if (look_for(taken.made, m_commands) != Presence::same || taken.made.uuid.empty()) {
      throw Error(ErrorKind::refused,
                  fmt::format("{} of {} is gone", describe(taken.made), taken.origin.string()),
                  fmt::format("take the job back (vmconvert undo {}) and convert again", m_job));
    }
  }
  require_intact();
}

void SourceSnapshots::put_in_place(model::Domain& domain) const {
  for (model::DomainDisk& disk : domain.disks) {
    const auto taken = std::find_if(m_taken.begin(), m_taken.end(), [&](const Taken& one) {
      return is_hard_disk(disk) && one.origin == disk.source;
    });
    if (taken != m_taken.end()) {
      disk.source = taken->path;
    }
  }
}

fs::path SourceSnapshots::origin_of(const fs::path& path) const {
  const auto taken = std::find_if(m_taken.begin(), m_taken.end(),
                                  [&](const Taken& one) { return one.path == path; });
  return taken == m_taken.end() ? path : taken->origin;
}

model::Domain SourceSnapshots::as_described(model::Domain domain) const {
  for (model::DomainDisk& disk : domain.disks) {
    disk.source = origin_of(disk.source);
  }
  return domain;
}

void SourceSnapshots::require_intact() const {
  for (const Taken& taken : m_taken) {
    host::require_intact_snapshot(m_commands, {taken.made.group, taken.made.name}, taken.made.uuid);
  }
}

void SourceSnapshots::remove() {
  while (!m_taken.empty()) {
    job::remove(m_taken.back().made, m_commands);
    m_taken.pop_back();
    save();
  }
  std::error_code ignored;
  fs::remove(m_folder / k_snapshots_file, ignored);
}

void SourceSnapshots::remove_left(const fs::path& folder, const std::string& job,
                                  CommandRunner& commands) {
  SourceSnapshots left(folder, job, commands);
  left.keep();
  left.load();
  left.remove();
}

void sweep_snapshots(const fs::path& state_dir, CommandRunner& commands) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(state_dir / "jobs", error)) {
    const std::string id = entry.path().filename().string();
    if (!is_job_id(id) || !fs::exists(entry.path() / k_snapshots_file, error) ||
        is_alive(state_dir, id) || can_go_on(state_dir, id)) {
      continue;
    }
    try {
      const Workspace held(state_dir, id);  // nobody else may begin meanwhile
      SourceSnapshots::remove_left(entry.path(), id, commands);
      log_detail(fmt::format("removed the snapshots of the run {}, which was killed", id));
    } catch (const Error& problem) {
      log_warning(fmt::format("the snapshots of the run {} stay: {}", id, to_text(problem)));
    }
  }
}

}  // namespace vmconvert::job
