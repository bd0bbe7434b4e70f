#include "disk/checkpoints.hpp"

namespace vmconvert::disk {

// While it lives, a flush is under way: also its failure ends the waiting of the other threads.
class Checkpoints::Flush {
 public:
  explicit Flush(Checkpoints& owner) : m_owner(owner), m_began(owner.m_policy.clock()) {}
  Flush(const Flush&) = delete;
  Flush& operator=(const Flush&) = delete;
  ~Flush() {
    const std::lock_guard lock(m_owner.m_mutex);
    m_owner.m_last = m_owner.m_policy.clock();
    m_owner.m_took = m_owner.m_last - m_began;
    m_owner.m_busy = false;
    m_owner.m_flushed.notify_all();
  }

 private:
  Checkpoints& m_owner;
  Clock::time_point m_began;
};

void Checkpoints::finished(std::uint64_t node, std::uint64_t count, ByteCount read) {
  std::unique_lock lock(m_mutex);
  m_ahead[node] = {node + count, read};
  for (auto next = m_ahead.begin(); next != m_ahead.end() && next->first == m_done;
       next = m_ahead.erase(next)) {
    m_done = next->second.end;
    m_below = m_below + next->second.read;
  }
  m_since = m_since + read;
  // One half is for what is written before the flush begins, the other for what is written while it
  // lasts.
  const ByteCount half{m_policy.bytes.value / 2};
  m_flushed.wait(lock, [&] { return !m_busy || m_since < half; });
  const Clock::duration since = m_policy.clock() - m_last;
  const bool due = since >= m_policy.time || (m_since >= half && since >= m_policy.rest * m_took);
  if (!due || m_busy || m_done <= m_manifest.head().durable_nodes) {
    return;
  }
  m_busy = true;
  m_since = m_since - m_below;  // what is ahead of a gap stays unrecorded
  m_below = {};
  const std::uint64_t durable = m_done;  // known to be written before the flush begins
  lock.unlock();
  const Flush flush(*this);
  m_make_durable();
  m_manifest.checkpoint(durable);
}

void Checkpoints::now() {
  if (m_done > m_manifest.head().durable_nodes) {
    m_make_durable();
    m_manifest.checkpoint(m_done);
  }
}

}  // namespace vmconvert::disk
