#include "disk/checkpoints.hpp"

namespace vmconvert::disk {

void Checkpoints::finished(std::uint64_t node, std::uint64_t count, ByteCount read) {
  std::unique_lock lock(m_mutex);
  m_ahead[node] = node + count;
  for (auto next = m_ahead.begin(); next != m_ahead.end() && next->first == m_done;
       next = m_ahead.erase(next)) {
    m_done = next->second;
  }
  m_since = m_since + read;
  const bool due = m_since >= m_policy.bytes || Clock::now() - m_last >= m_policy.time;
  if (!due || m_busy || m_done <= m_manifest.head().durable_nodes) {
    return;
  }
  m_busy = true;
  m_since = {};
  const std::uint64_t durable = m_done;  // known to be written before the flush begins
  lock.unlock();
  m_make_durable();
  m_manifest.checkpoint(durable);
  lock.lock();
  m_last = Clock::now();
  m_busy = false;
}

void Checkpoints::now() {
  if (m_done > m_manifest.head().durable_nodes) {
    m_make_durable();
    m_manifest.checkpoint(m_done);
  }
}

}  // namespace vmconvert::disk
