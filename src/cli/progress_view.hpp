// Shows model::Progress on stderr: a bar with rate and time left on a terminal, lines elsewhere,
// JSON events on request.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "model/progress.hpp"

namespace vmconvert::cli {

enum class ProgressMode { bar, lines, json, none };

class ProgressView {
 public:
  using Clock = std::chrono::steady_clock;

  ProgressView(ProgressMode mode, int fd);
  ProgressView(const ProgressView&) = delete;
  ProgressView& operator=(const ProgressView&) = delete;
  ~ProgressView();

  // Thread-safe and quick: draws at most ten times a second.
  void show(const model::Progress& progress);
  struct Subject {
    std::string job;
    std::string guest;
  };
  // Which job this is, for those who read the JSON events and the system's journal.
  void announce(const std::string& job, const std::string& guest);
  // What was announced; empty before.
  [[nodiscard]] Subject subject();
  // Takes the bar off the terminal, so that other text can be printed; the next show() redraws.
  void clear();
  // A line of text that does not collide with the bar.
  void print(std::string_view text);

 private:
  void draw(const model::Progress& progress, Clock::time_point now);
  // Redraws the bar each second, so that people see time pass while nothing is reported.
  void tick();
  void write_all(std::string_view text) const;

  ProgressMode m_mode;
  int m_fd;
  std::mutex m_mutex;
  Clock::time_point m_start = Clock::now();
  Clock::time_point m_stage_start = Clock::now();
  std::optional<Clock::time_point> m_last_drawn;
  model::Progress m_current;  // of the work under way
  Subject m_subject;
  bool m_bar_visible = false;
  bool m_done = false;
  std::condition_variable m_wake;
  std::thread m_ticker;  // last: it uses all of the above
};

// The text of one bar, without colours or line control: unit-tested. `width` is the terminal's.
std::string bar_text(const model::Progress& progress, double seconds, unsigned width);

// The line for a log: "[  28 s] copy: vda, 1.0 GiB of 4.0 GiB". `seconds`: since the program began.
std::string line_text(const model::Progress& progress, double seconds);

// "1 h 02 min", "3 min 05 s", "12 s".
std::string duration_text(double seconds);

}  // namespace vmconvert::cli
