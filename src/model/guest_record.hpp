// How far a guest is on its way to the new host, over all runs: what batches keep and people see.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/units.hpp"

namespace vmconvert::model {

// Milestones, in the order in which a guest passes them. Each has the time when it was last passed.
enum class Milestone {
  discovered,       // named by a batch
  checked,          // nothing was found that blocks
  tried,            // a trial saw it boot
  ready,            // checked and tried: only the copy is missing
  copied,           // its disks are on the target, compared
  defined,          // the new domain is there
  cut_over,         // it runs on the new host
  accepted,         // somebody has looked at it there: said by the operator
  source_released,  // the old disks may be used for something else: said by the operator
};
inline constexpr std::size_t k_milestones = 9;
const char* to_string(Milestone milestone);  // "cut over"
// "cut-over", "cut_over" and "cut over" are one; nothing for another word.
std::optional<Milestone> milestone_from(const std::string& text);

// What the batch has to do with it now.
enum class Standing {
  waiting,      // its turn comes
  running,      // a process works on it
  failed,       // and was taken back; or a check refused it; or its trial failed
  interrupted,  // stopped or killed: the next run goes on
  done,         // what the batch is for was reached
  closed,       // by the operator: not listed any more, left alone by later runs
};
const char* to_string(Standing standing);
std::optional<Standing> standing_from(const std::string& text);

// Of the work under way; from the last heartbeat.
struct GuestProgress {
  std::string stage;  // copy
  std::string what;   // vda
  ByteCount done;     // both zero where the work has no measure
  ByteCount total;
  double bytes_per_second = 0;  // 0: not known
  double seconds_left = -1;     // of this stage; below 0: not known
};

// What runs were seen to move, for the estimate of the next ones.
struct GuestMeasure {
  ByteCount to_move;         // planned, or moved; 0: not known yet
  double move_seconds = 0;   // copying and comparing; 0: was not done yet
  double other_seconds = 0;  // all else: appliance, trial, definition
  ByteCount size;            // of its disks
  ByteCount skipped;         // of them, what was not even read
};

struct GuestRecord {
  std::string batch;    // empty: converted by hand
  std::string guest;    // as the batch calls it: the blueprint's name, or the source's
  std::string source;   // SOURCE, as the blueprint spells it
  std::string connect;  // libvirt connection that the source is a domain of; may be empty
  std::string group;
  std::int64_t order = 0;
  Standing standing = Standing::waiting;
  std::array<std::int64_t, k_milestones> reached = {};  // seconds since 1970; 0: not yet
  std::string job;                                      // the last one; empty: none yet
  int exit_code = 0;                                    // of the last process
  std::string error;          // why it failed or was interrupted; empty else
  unsigned attempts = 0;      // in the last run of the batch
  std::int64_t next_try = 0;  // a retry waits for this time
  std::int64_t started = 0;   // the last process
  std::int64_t ended = 0;     // 0 while it runs
  std::int64_t updated = 0;
  std::string owner;           // process that works on it: "host pid"; empty: none
  std::int64_t heartbeat = 0;  // when it was last heard of
  GuestProgress progress;
  GuestMeasure measure;
  std::int64_t revision = 0;  // counts over all records: what changed since N has a higher one

  [[nodiscard]] std::int64_t time_of(Milestone milestone) const {
    return reached.at(static_cast<std::size_t>(milestone));
  }
  // The furthest one; nothing before it was even discovered.
  [[nodiscard]] std::optional<Milestone> furthest() const;
};

}  // namespace vmconvert::model
