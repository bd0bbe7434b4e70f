// What every job did and made, in STATE/jobs.sqlite: written before and after each step, on the
// disk when a call returns. Whatever ends a process, the next one can read here how far it was.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace vmconvert::job {

enum class JobState {
  running,      // by the journal; is_alive() in workspace.hpp says whether its process still lives
  interrupted,  // can go on: resume, or be taken back: undo
  failed,       // taken back by itself
  done,
  undone,
};
const char* to_string(JobState state);

struct JobRecord {
  std::string id;
  std::string guest;   // of the source
  std::string name;    // of the new domain
  std::string source;  // as the operator named it
  JobState state = JobState::running;
  std::string error;         // why it failed or was interrupted; empty else
  std::int64_t created = 0;  // seconds since 1970
  std::int64_t updated = 0;
  std::string program;  // version that wrote it
};

enum class StepState { pending, running, done, undone };
const char* to_string(StepState state);

struct StepRecord {
  unsigned number = 0;  // from 1
  std::string what;     // as people read it
  StepState state = StepState::pending;
  std::int64_t started = 0;  // 0: not yet
  std::int64_t finished = 0;
  std::string made;  // JSON: what identifies the thing that the step made; empty: it made nothing
};

// One connection; not for several threads. Several processes may have it open: each call is one
// transaction and waits up to 10 s for the others. Error(io) naming the file for what SQLite cannot
// do, Error(bad_input) for a file that is no journal of ours or a later version's.
class Journal {
 public:
  explicit Journal(const std::filesystem::path& state_dir);
  Journal(Journal&&) noexcept;
  Journal& operator=(Journal&&) noexcept;
  ~Journal();

  void add(const JobRecord& job);
  void rename(const std::string& id, const std::string& guest, const std::string& name);
  void set_state(const std::string& id, JobState state, const std::string& error = {});
  // All steps, pending. Replaces earlier ones.
  void set_steps(const std::string& id, const std::vector<std::string>& what);
  void begin_step(const std::string& id, unsigned number);
  // As soon as the thing exists, while the step still runs: so that it is never lost.
  void note_made(const std::string& id, unsigned number, const std::string& made);
  void finish_step(const std::string& id, unsigned number);
  void undo_step(const std::string& id, unsigned number);
  // Redoing: a step of another text, and one more at the end, which is done; returns its number.
  void describe_step(const std::string& id, unsigned number, const std::string& what);
  unsigned add_step(const std::string& id, const std::string& what);
  void forget(const std::string& id);

  [[nodiscard]] std::optional<JobRecord> job(const std::string& id) const;
  [[nodiscard]] std::vector<JobRecord> jobs() const;  // oldest first
  [[nodiscard]] std::vector<StepRecord> steps(const std::string& id) const;

 private:
  struct Handle;
  std::unique_ptr<Handle> m_handle;
};

}  // namespace vmconvert::job
