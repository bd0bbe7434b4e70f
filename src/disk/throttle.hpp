// A limit on the bytes a second that long work reads, which may be changed while it runs.
#pragma once

#include <atomic>
#include <chrono>
#include <mutex>

#include "base/units.hpp"

namespace vmconvert::disk {

class Throttle {
 public:
  // 0: no limit.
  explicit Throttle(std::uint64_t bytes_per_second = 0) : m_rate(bytes_per_second) {}

  void set_rate(std::uint64_t bytes_per_second) noexcept { m_rate = bytes_per_second; }
  [[nodiscard]] std::uint64_t rate() const noexcept { return m_rate; }
  // Waits until these bytes may be read. Sleeps in short slots, so that an interrupt (which throws)
  // and a changed rate are seen at once. From any thread; fair enough among them.
  void take(ByteCount bytes);

 private:
  using Clock = std::chrono::steady_clock;

  std::atomic<std::uint64_t> m_rate;
  std::mutex m_mutex;
  double m_owed = 0;  // bytes taken that the rate has not paid for yet
  Clock::time_point m_paid = Clock::now();
};

}  // namespace vmconvert::disk
