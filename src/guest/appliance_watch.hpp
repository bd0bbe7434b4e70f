// A thread that ends the appliance's machine when it takes too long or when we are told to stop:
// a kernel that hangs under KVM would otherwise hang us with it.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace vmconvert::guest {

class ApplianceWatch {
 public:
  // `mark` is a text that only this appliance's qemu has in its arguments.
  explicit ApplianceWatch(std::string mark);
  ApplianceWatch(const ApplianceWatch&) = delete;
  ApplianceWatch& operator=(const ApplianceWatch&) = delete;
  ~ApplianceWatch();

  // From now on the machine may run for `limit`, counted from the moment that it is seen.
  void arm(std::chrono::seconds limit);
  void disarm();

  [[nodiscard]] bool timed_out() const { return m_timed_out; }

 private:
  using Clock = std::chrono::steady_clock;

  void run();
  void look();
  void kill_machine();

  const std::string m_mark;
  std::mutex m_mutex;
  std::condition_variable m_changed;
  bool m_stop = false;
  std::optional<std::chrono::seconds> m_limit;
  std::optional<Clock::time_point> m_deadline;
  std::atomic<pid_t> m_machine = -1;
  std::atomic<bool> m_timed_out = false;
  std::thread m_thread;  // last: it uses all of the above
};

}  // namespace vmconvert::guest
