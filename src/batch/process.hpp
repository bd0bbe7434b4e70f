// One guest's conversion in a process of its own, as the batch sees it from outside: what it
// reports on the way, and how it ended. What becomes of it cannot hurt the others.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/subprocess.hpp"
#include "model/guest_record.hpp"

namespace vmconvert::batch {

// The object that --json prints, as far as a batch needs it.
struct Outcome {
  bool said = false;  // there was one: a process that is killed prints none
  std::string job;
  std::string state;  // converted, tried, refused, failed, interrupted
  std::string error;
  bool booted = false;  // a trial saw it boot
  bool defined = false;
  model::GuestMeasure measure;
};
Outcome parse_outcome(const std::string& text);

class GuestProcess {
 public:
  // All that it says goes to FOLDER/NAME.log, which begins anew: events, text, and its result.
  GuestProcess(const std::vector<std::string>& argv, const std::filesystem::path& folder,
               const std::string& name);

  // Reads what was reported since. The exit code once it has ended: 128 + signal if one ended it.
  std::optional<int> poll();
  [[nodiscard]] const model::GuestProgress& progress() const noexcept { return m_progress; }
  [[nodiscard]] const std::string& job() const noexcept { return m_job; }  // empty: not said yet
  [[nodiscard]] const std::filesystem::path& log() const noexcept { return m_log; }
  // After its end.
  [[nodiscard]] Outcome outcome() const;
  // The last line for people on its standard error, for a process that printed no result.
  [[nodiscard]] std::string last_words() const;

  void ask_to_stop();  // SIGTERM: it stops at a point from which it can go on
  void kill() { m_child.kill(); }

 private:
  void read_events();
  void take_event(const std::string& line);

  std::filesystem::path m_log;
  std::uint64_t m_read = 0;  // of the log, so far
  std::string m_partial;     // a line that is not whole yet
  model::GuestProgress m_progress;
  std::string m_job;
  std::chrono::steady_clock::time_point m_measured_since;
  std::uint64_t m_measured_from = 0;
  ChildProcess m_child;  // last: it is stopped first
};

}  // namespace vmconvert::batch
