// Looking after jobs from outside: what became of them, taking back, comparing again, forgetting.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/subprocess.hpp"
#include "job/journal.hpp"
#include "job/source_state.hpp"
#include "model/progress.hpp"

namespace vmconvert::job {

struct JobView {
  JobRecord record;
  bool alive = false;  // a process works on it now
  std::vector<StepRecord> steps;

  // What to call its state: a "running" one whose process is gone was killed.
  [[nodiscard]] std::string state_text() const;
  [[nodiscard]] bool unfinished() const;
  // The next thing to do about it; empty: nothing.
  [[nodiscard]] std::string advice() const;
};

std::vector<JobView> list_jobs(const std::filesystem::path& state_dir);

// By its id, or by as much of its beginning or end as only one job has. Error(not_found) else.
JobView find_job(const std::filesystem::path& state_dir, const std::string& id);

// Removes what the job made, last first, and nothing else: what has another identity by now stays.
// Then what `which` says of the source's domain. Error(busy) if a process works on it;
// Error(refused) if its domain runs.
SourceReturn undo_job(const std::filesystem::path& state_dir, const std::string& id,
                      CommandRunner& commands, RestoreSource which = RestoreSource::hooks);

// How the source's domain was when the job began; nothing where that is not known.
std::optional<SourceBefore> source_before(const std::filesystem::path& state_dir,
                                          const JobView& view);

// Takes the record and the folder away, not what was made. Error(refused) for an unfinished job.
// Snapshots of the source that a kill at its very end left go, too.
void forget_job(const std::filesystem::path& state_dir, const std::string& id,
                CommandRunner& commands);

struct VerifiedDisk {
  std::string disk;
  std::filesystem::path path;
  std::string checksum;
  ByteCount read;
};

// Reads every byte of each target again and compares it with what was read from the source.
// Error(mismatch) naming the place: byte, partition and, with an allocation reader, the file;
// Error(refused) for a job that has not copied all.
std::vector<VerifiedDisk> verify_job(const std::filesystem::path& state_dir, const std::string& id,
                                     CommandRunner& commands, const model::ProgressSink& progress,
                                     const std::filesystem::path& allocation_reader = {});

// The common part of undo and of a failure: steps from last to first.
void take_back(Journal& journal, const std::string& id, CommandRunner& commands);

}  // namespace vmconvert::job
