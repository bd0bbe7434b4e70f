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

// STATE/jobs/ID: overlays and sockets while the job runs; the console of its trial afterwards.
class Workspace {
 public:
  explicit Workspace(const std::filesystem::path& state_dir);
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;
  ~Workspace();

  [[nodiscard]] const std::string& job_id() const noexcept { return m_id; }
  // Everything in here goes with the object.
  [[nodiscard]] std::filesystem::path scratch() const { return m_folder / "scratch"; }
  // What the operator may want to read later; kept when there is any.
  [[nodiscard]] std::filesystem::path keep() const { return m_folder / "kept"; }

 private:
  std::string m_id;  // 20261121T041500-3f2a: sorts by time
  std::filesystem::path m_folder;
};

}  // namespace vmconvert::job
