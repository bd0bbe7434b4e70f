#include "disk/units.hpp"

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <exception>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <vector>

#include "base/error.hpp"
#include "base/interrupt.hpp"

namespace vmconvert::disk {
namespace {

class Work {
 public:
  Work(std::uint64_t units, const UnitBody& body, const UnitShare& share)
      : m_units(units), m_body(body), m_share(share) {}

  void run() noexcept {
    try {
      while (const std::optional<std::uint64_t> unit = take()) {
        const UnitBudget::Lease buffer(m_share.budget, m_share.work);
        throw_if_interrupted();
        m_share.budget.throw_if_stopped();
        m_body(*unit, buffer.bytes());
        finished(*unit);
      }
    } catch (...) {
      const std::lock_guard lock(m_mutex);
      m_stop = true;
      m_error = m_error ? m_error : std::current_exception();
      m_moved.notify_all();
    }
  }

  void rethrow() const {
    if (m_error) {
      std::rethrow_exception(m_error);
    }
  }

 private:
  // The oldest one never waits, and wakes the others when it is done or fails.
  std::optional<std::uint64_t> take() {
    std::unique_lock lock(m_mutex);
    if (m_next >= m_units) {
      return std::nullopt;
    }
    const std::uint64_t unit = m_next++;
    m_begun.insert(unit);
    m_moved.wait(lock, [&] { return m_stop || unit < *m_begun.begin() + k_units_ahead; });
    return m_stop ? std::nullopt : std::optional(unit);
  }

  void finished(std::uint64_t unit) {
    const std::lock_guard lock(m_mutex);
    m_begun.erase(unit);
    m_moved.notify_all();
  }

  std::uint64_t m_units;
  const UnitBody& m_body;
  const UnitShare& m_share;
  std::mutex m_mutex;  // of what follows
  std::condition_variable m_moved;
  std::uint64_t m_next = 0;
  std::set<std::uint64_t> m_begun;  // and not finished
  bool m_stop = false;
  std::exception_ptr m_error;
};

}  // namespace

void UnitBudget::stop() noexcept {
  const std::lock_guard lock(m_mutex);
  m_stopped = true;
}

void UnitBudget::throw_if_stopped() {
  const std::lock_guard lock(m_mutex);
  if (m_stopped) {
    throw Error(ErrorKind::interrupted, "stopped, for the work beside it has failed");
  }
}

// With the mutex held.
bool UnitBudget::may_take(std::size_t work) const {
  const std::size_t free = m_left + m_idle.size();
  if (m_held[work] == 0) {
    return free > 0;
  }
  return free > static_cast<std::size_t>(std::count(m_held.begin(), m_held.end(), 0U));
}

std::unique_ptr<AlignedBuffer> UnitBudget::take(std::size_t work) {
  std::unique_lock lock(m_mutex);
  m_returned.wait(lock, [&] { return may_take(work); });
  ++m_held[work];
  if (m_idle.empty()) {
    auto buffer = std::make_unique<AlignedBuffer>(k_unit_size);
    m_idle.reserve(m_idle.capacity() + 1);
    --m_left;
    return buffer;
  }
  auto buffer = std::move(m_idle.back());
  m_idle.pop_back();
  return buffer;
}

void UnitBudget::give_back(std::size_t work, std::unique_ptr<AlignedBuffer> buffer) noexcept {
  const std::lock_guard lock(m_mutex);
  --m_held[work];
  m_idle.push_back(std::move(buffer));
  m_returned.notify_all();
}

void UnitBudget::leave(std::size_t work) noexcept {
  const std::lock_guard lock(m_mutex);
  m_held[work] = k_left;
  m_returned.notify_all();
}

void for_each_unit(std::uint64_t count, const UnitBody& body, const UnitShare* share) {
  UnitBudget own(1);
  const UnitShare of_own{own, 0};
  Work work(count, body, share != nullptr ? *share : of_own);
  {
    std::vector<std::jthread> threads;
    const std::uint64_t workers = std::min<std::uint64_t>(k_unit_threads, count);
    for (std::uint64_t i = 0; i < workers; ++i) {
      threads.emplace_back([&work] { work.run(); });
    }
  }
  work.rethrow();
}

bool is_zero(std::span<const std::byte> bytes) {
  // Each byte equals the one a step before, and the first step is zeros: memcmp does it at memory
  // speed.
  constexpr std::size_t k_step = 16;
  const std::size_t head = std::min(bytes.size(), k_step);
  const bool head_is_zero = std::all_of(bytes.begin(), bytes.begin() + static_cast<long>(head),
                                        [](std::byte byte) { return byte == std::byte{0}; });
  return head_is_zero && (bytes.size() <= k_step || std::memcmp(bytes.data(), bytes.data() + k_step,
                                                                bytes.size() - k_step) == 0);
}

}  // namespace vmconvert::disk
