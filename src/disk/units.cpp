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

#include "base/interrupt.hpp"
#include "disk/aligned_buffer.hpp"

namespace vmconvert::disk {
namespace {

class Work {
 public:
  Work(std::uint64_t units, const UnitBody& body) : m_units(units), m_body(body) {}

  void run() noexcept {
    try {
      const AlignedBuffer buffer(k_unit_size);
      while (const std::optional<std::uint64_t> unit = take()) {
        throw_if_interrupted();
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
  std::mutex m_mutex;  // of what follows
  std::condition_variable m_moved;
  std::uint64_t m_next = 0;
  std::set<std::uint64_t> m_begun;  // and not finished
  bool m_stop = false;
  std::exception_ptr m_error;
};

}  // namespace

void for_each_unit(std::uint64_t count, const UnitBody& body) {
  Work work(count, body);
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
