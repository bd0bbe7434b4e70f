// What the end of a process, or of a whole earlier run, means for a guest's record.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "batch/process.hpp"
#include "batch/run.hpp"
#include "model/guest_record.hpp"

namespace vmconvert::batch {

// Notes when a milestone was passed.
void reach(model::GuestRecord& record, model::Milestone milestone, std::int64_t now);

// Whether it may work when it is tried again as it is: a lock that somebody held, a signal.
// What is resumed does not lose what it has done.
bool can_pass(int exit_code);

struct Ending {
  int exit_code = 0;
  Outcome outcome;
  std::string last_words;
  Goal goal = Goal::cutover;
  bool starts = false;  // the new domain is started at the end
  std::int64_t now = 0;
};
void apply(const Ending& ending, model::GuestRecord& record);

// What a job moved and took over all of its processes, as its report keeps it; nothing without one.
// A process that goes on with a copy says only what it did itself.
std::optional<model::GuestMeasure> measure_of_job(const std::filesystem::path& state_dir,
                                                  const std::string& job);

// What the journal knows of the guest's last job: it may have ended, or been killed, without the
// batch. Whether there is something to resume.
bool recall(model::GuestRecord& record, const std::filesystem::path& state_dir, std::int64_t now);

}  // namespace vmconvert::batch
