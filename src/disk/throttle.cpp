#include "disk/throttle.hpp"

#include <algorithm>
#include <thread>

#include "base/interrupt.hpp"

namespace vmconvert::disk {

using namespace std::chrono_literals;

void Throttle::take(ByteCount bytes) {
  if (m_rate == 0) {
    return;
  }
  // Whoever holds the lock waits for all: the others queue up behind.
  const std::lock_guard lock(m_mutex);
  m_owed += static_cast<double>(bytes.value);
  for (;;) {
    const auto now = Clock::now();
    const std::uint64_t rate = m_rate;
    if (rate == 0) {
      m_owed = 0;
      m_paid = now;
      return;
    }
    const double seconds = std::chrono::duration<double>(now - m_paid).count();
    m_paid = now;
    // Idle time is not saved up for a burst: the debt never falls below nothing.
    m_owed = std::max(0.0, m_owed - seconds * static_cast<double>(rate));
    if (m_owed == 0) {
      return;
    }
    throw_if_interrupted();
    const std::chrono::duration<double> wait(m_owed / static_cast<double>(rate));
    std::this_thread::sleep_for(std::min<std::chrono::duration<double>>(wait, 100ms));
  }
}

}  // namespace vmconvert::disk
