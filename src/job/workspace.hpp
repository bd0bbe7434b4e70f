// A job's own folder under the state folder, and the locks that keep two jobs apart.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/fd.hpp"

namespace vmconvert::job {

// Held while the object lives. Error(busy) names the holder's process.
class Lock {
 public:
  // One lock file a subject (a source path, a target path, a domain name) in STATE/locks.
  Lock(const std::filesystem::path& state_dir, const std::string& subject);

 private:
  Fd m_fd;
};

// STATE/jobs/ID: overlays and sockets while the job runs, what it needs to go on while it is
// unfinished; and for good the console of its trial, its manifests, its description.
class Workspace {
 public:
  // A new job.
  explicit Workspace(const std::filesystem::path& state_dir);
  // One that is there: Error(not_found) else, Error(busy) if its process lives.
  Workspace(const std::filesystem::path& state_dir, const std::string& id);
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;
  ~Workspace();

  [[nodiscard]] const std::string& job_id() const noexcept { return m_id; }
  [[nodiscard]] const std::filesystem::path& folder() const noexcept { return m_folder; }
  // Everything in here goes with the object, unless keep_scratch() was called.
  [[nodiscard]] std::filesystem::path scratch() const { return m_folder / "scratch"; }
  // What the operator may want to read later; kept when there is any.
  [[nodiscard]] std::filesystem::path keep() const { return m_folder / "kept"; }
  void keep_scratch() noexcept { m_keep_scratch = true; }
  void drop_scratch() noexcept { m_keep_scratch = false; }
  // All of it goes.
  void remove();

 private:
  void lock();

  std::string m_id;  // 20261121T041500-3f2a: sorts by time
  std::filesystem::path m_folder;
  Fd m_lock;
  bool m_keep_scratch = false;
};

// Whether a process works on this job. A lock that a dead process, or one before a reboot, left
// behind does not count: the kernel dropped it.
bool is_alive(const std::filesystem::path& state_dir, const std::string& id);

// A job id as Workspace makes them; anything else never becomes a path.
bool is_job_id(const std::string& text);

// In a job's folder: the snapshots that were taken for it and are still to be removed.
inline constexpr const char* k_snapshots_file = "snapshots.json";

// Removes the folders of jobs that nobody works on and that `known` does not list: runs that only
// looked, and were killed. Not one with snapshots: see source_snapshots.hpp.
void sweep(const std::filesystem::path& state_dir, const std::vector<std::string>& known);

}  // namespace vmconvert::job
