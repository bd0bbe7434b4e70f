// When a part of a copy is on the target's device for good, and that this is written down.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <mutex>

#include "disk/manifest.hpp"

namespace vmconvert::disk {

// At the latest after this much, or this long: what an interruption costs.
inline constexpr std::uint64_t k_checkpoint_bytes = 256 * k_mib;
inline constexpr std::chrono::seconds k_checkpoint_time{5};

struct CheckpointPolicy {
  ByteCount bytes{k_checkpoint_bytes};
  std::chrono::milliseconds time{k_checkpoint_time};
};

class Checkpoints {
 public:
  // `make_durable` flushes the target.
  Checkpoints(Manifest& manifest, CheckpointPolicy policy, std::function<void()> make_durable)
      : m_manifest(manifest),
        m_policy(policy),
        m_make_durable(std::move(make_durable)),
        m_done(manifest.head().durable_nodes) {}

  // These nodes are written. From any thread, in any order; makes a checkpoint when one is due, in
  // the calling thread, while the others go on.
  void finished(std::uint64_t node, std::uint64_t count, ByteCount read);
  // When all threads have stopped.
  void now();

 private:
  using Clock = std::chrono::steady_clock;

  Manifest& m_manifest;
  CheckpointPolicy m_policy;
  std::function<void()> m_make_durable;
  std::mutex m_mutex;
  std::uint64_t m_done;                            // every node below is written
  std::map<std::uint64_t, std::uint64_t> m_ahead;  // written runs above: start -> end
  ByteCount m_since;                               // read since the last checkpoint
  Clock::time_point m_last = Clock::now();
  bool m_busy = false;
};

}  // namespace vmconvert::disk
