// The work on a disk, cut into units and shared out to a few threads. Memory is bounded: one buffer
// a thread, whatever the disk's size.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "base/units.hpp"
#include "disk/aligned_buffer.hpp"

namespace vmconvert::disk {

inline constexpr std::uint64_t k_unit_size = 4 * k_mib;
inline constexpr unsigned k_unit_threads = 8;
// A unit begins only when it is fewer than so many away from the oldest one that is not finished:
// what lies behind one that takes long is of no use to a copy that is interrupted.
inline constexpr std::uint64_t k_units_ahead = 16;

// `buffer` is the calling thread's own, k_unit_size bytes, aligned for direct I/O; what it holds is
// left over from earlier units.
using UnitBody = std::function<void(std::uint64_t unit, std::span<std::byte> buffer)>;

// The buffers that works beside each other share: memory and requests in flight are bounded for all
// of them together. What one of them does not need the others have, but never all: one that waits
// for a slow disk must not stop those of other disks.
class UnitBudget {
 public:
  explicit UnitBudget(std::size_t works, unsigned buffers = k_unit_threads)
      : m_left(buffers), m_held(works, 0) {}
  UnitBudget(const UnitBudget&) = delete;
  UnitBudget& operator=(const UnitBudget&) = delete;

  // One buffer for the work of this number, given back at the end. Waits for one.
  class Lease {
   public:
    Lease(UnitBudget& budget, std::size_t work)
        : m_budget(budget), m_work(work), m_buffer(budget.take(work)) {}
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ~Lease() { m_budget.give_back(m_work, std::move(m_buffer)); }
    [[nodiscard]] std::span<std::byte> bytes() const { return m_buffer->bytes(); }

   private:
    UnitBudget& m_budget;
    std::size_t m_work;
    std::unique_ptr<AlignedBuffer> m_buffer;
  };

  // This work needs no more.
  void leave(std::size_t work) noexcept;
  // Each work ends soon, with Error(interrupted).
  void stop() noexcept;
  void throw_if_stopped();

 private:
  static constexpr unsigned k_left = ~0U;

  std::unique_ptr<AlignedBuffer> take(std::size_t work);
  void give_back(std::size_t work, std::unique_ptr<AlignedBuffer> buffer) noexcept;
  [[nodiscard]] bool may_take(std::size_t work) const;

  std::mutex m_mutex;
  std::condition_variable m_returned;
  unsigned m_left;  // not made yet
  std::vector<std::unique_ptr<AlignedBuffer>> m_idle;
  std::vector<unsigned> m_held;  // by each work
  bool m_stopped = false;
};

// A work's part of a budget.
struct UnitShare {
  UnitBudget& budget;
  std::size_t work = 0;
};

// Calls body for each unit of [0, count), begun in ascending order, from several threads. The first
// exception stops all of them and is thrown here; so does an interrupt by a signal. Without a
// share it has a budget of its own.
void for_each_unit(std::uint64_t count, const UnitBody& body, const UnitShare* share = nullptr);

// All zeros; true for an empty span.
bool is_zero(std::span<const std::byte> bytes);

}  // namespace vmconvert::disk
