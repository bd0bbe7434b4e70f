// Keeps a job's report every few seconds while something long is done: of a process that is killed,
// all but its last moments are told. In a thread of its own: nothing waits for the state folder.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>

namespace vmconvert::job {

class ReportKeeper {
 public:
  // `keep` must not throw, and not meet what the long thing changes.
  explicit ReportKeeper(std::function<void()> keep)
      : m_thread([this, keep = std::move(keep)](const std::stop_token& stop) {
          std::unique_lock lock(m_mutex);
          while (true) {
            m_wake.wait_for(lock, stop, k_interval, [] { return false; });
            if (stop.stop_requested()) {
              return;
            }
            keep();
          }
        }) {}

 private:
  static constexpr std::chrono::seconds k_interval{5};  // as a copy's checkpoints

  std::mutex m_mutex;
  std::condition_variable_any m_wake;
  std::jthread m_thread;  // last: it ends first
};

}  // namespace vmconvert::job
