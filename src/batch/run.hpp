// A batch: many guests, a process each, within limits of number, time and rate. A second run does
// what is still to do.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "batch/blueprint.hpp"
#include "model/guest_record.hpp"

namespace vmconvert::batch {

// The guests of one file or several; [batch] may stand in one of them.
struct Batch {
  std::string name;  // of [batch], else of the first file
  GuestBlueprint settings;
  std::vector<GuestBlueprint> guests;
};
// Error(usage) for mistakes in any of them, for two guests of one name, for two [batch].
Batch read_batch(const std::vector<std::filesystem::path>& files);

enum class Goal { cutover, trial };
enum class WindowPolicy {
  leave,  // what does not fit into the windows is left for a later run
  wait,   // stays until all is done
  ignore,
};

struct RunOptions {
  std::filesystem::path state_dir;
  std::filesystem::path program;  // vmconvert itself
  Goal goal = Goal::cutover;
  WindowPolicy windows = WindowPolicy::leave;
  std::function<std::int64_t()> clock;  // seconds since 1970
  std::chrono::milliseconds tick = std::chrono::milliseconds(250);
  std::chrono::seconds stop_limit = std::chrono::minutes(5);  // for a process to stop by itself
  // Told of every change, and of progress every two seconds. May be empty.
  std::function<void(const std::vector<model::GuestRecord>&)> watcher;
};

struct RunReport {
  std::string batch;
  std::vector<model::GuestRecord> guests;  // all of the batch, as they are now
  unsigned started = 0;                    // processes of this run
  unsigned succeeded = 0;
  unsigned failed = 0;
  unsigned interrupted = 0;
  unsigned left = 0;              // for the next run: outside the windows
  unsigned held_back = 0;         // a group before theirs had a failure
  bool stopped = false;           // by a signal
  std::int64_t next_opening = 0;  // of the windows; 0: nothing waits for it
  double seconds = 0;
};

// Error(busy) if the batch runs already.
RunReport run_batch(const Batch& batch, const RunOptions& options);

// Where a batch keeps what its processes are given and say.
std::filesystem::path batch_folder(const std::filesystem::path& state_dir,
                                   const std::string& batch);
// A file name for any label.
std::string file_name(const std::string& label);

}  // namespace vmconvert::batch
