// A running guest's disks as each of them was at one moment: read-only LVM snapshots that stand in
// for them from before the first look until the job has ended.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/subprocess.hpp"
#include "job/made.hpp"
#include "model/domain.hpp"
#include "model/finding.hpp"
#include "model/snapshot_size.hpp"

namespace vmconvert::job {

class SourceSnapshots {
 public:
  // `folder`: the job's. Each snapshot is written down in its snapshots.json before it is made, so
  // that whoever comes after a killed process can remove it.
  SourceSnapshots(std::filesystem::path folder, std::string job, CommandRunner& commands);
  SourceSnapshots(const SourceSnapshots&) = delete;
  SourceSnapshots& operator=(const SourceSnapshots&) = delete;
  ~SourceSnapshots();  // removes them, with a warning where that fails; not after keep()

  // Of each hard disk, in place of what an earlier process left in the folder. Findings that block
  // for disks that are no logical volumes: then none is made, unless they are in `accepted`, and
  // those disks are read as they are. Error as host::Snapshot's.
  model::Findings take(const model::Domain& domain, const model::SnapshotSize& size,
                       const std::vector<std::string>& accepted);
  // Those of an earlier process, which stay whatever happens until remove(). Error(refused) if one
  // is gone or of no use any more.
  void reopen();

  // The disks by their snapshots, and back.
  void put_in_place(model::Domain& domain) const;
  [[nodiscard]] model::Domain as_described(model::Domain domain) const;
  [[nodiscard]] std::filesystem::path origin_of(const std::filesystem::path& path) const;

  // Error(io) if the guest wrote more than one had room for: what was read of it is worth nothing.
  void require_intact() const;
  void keep() noexcept { m_keep = true; }
  // Error(tool_failed) if LVM cannot.
  void remove();
  // Those that a job's folder names, of a job that nobody works on.
  static void remove_left(const std::filesystem::path& folder, const std::string& job,
                          CommandRunner& commands);

 private:
  struct Taken {
    std::filesystem::path origin;
    std::filesystem::path path;
    MadeVolume made;
  };
  void save() const;
  void load();

  std::filesystem::path m_folder;
  std::string m_job;
  CommandRunner& m_commands;
  std::vector<Taken> m_taken;
  bool m_keep = false;
};

// Those of all runs that ended without removing them, by a kill, but for the jobs that can go on.
// Warnings where it cannot be done.
void sweep_snapshots(const std::filesystem::path& state_dir, CommandRunner& commands);

}  // namespace vmconvert::job
