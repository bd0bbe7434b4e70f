// When a part of a copy is on the target's device for good, and that this is written down.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <utility>

#include "disk/manifest.hpp"

namespace vmconvert::disk {

// What an interruption costs at most, besides what was in flight: what was done in this time, and
// where flushes are cheap, this much.
inline constexpr std::uint64_t k_checkpoint_bytes = 256 * k_mib;
inline constexpr std::chrono::seconds k_checkpoint_time{5};
// A flush may stop all that a device does beside it: it gets a twentieth of the time.
inline constexpr unsigned k_checkpoint_rest = 19;

struct CheckpointPolicy {
  ByteCount bytes{k_checkpoint_bytes};
  std::chrono::milliseconds time{k_checkpoint_time};
  // After a flush none is due for so many times as long as it took, unless `time` is over.
  // 0: `bytes` bounds what is ahead of the last checkpoint, whatever that costs.
  unsigned rest = k_checkpoint_rest;
  // What tells the time: in tests, one that they set.
  std::function<std::chrono::steady_clock::time_point()> clock = std::chrono::steady_clock::now;
};

class Checkpoints {
 public:
  // `make_durable` flushes the target.
  Checkpoints(Manifest& manifest, CheckpointPolicy policy, std::function<void()> make_durable)
      : m_manifest(manifest),
        m_policy(std::move(policy)),
        m_make_durable(std::move(make_durable)),
        m_done(manifest.head().durable_nodes),
        m_last(m_policy.clock()) {}

  // These nodes are written. From any thread, in any order; makes a checkpoint when one is due, in
  // the calling thread. The others go on meanwhile, but not further than the policy's bytes: on a
  // target that flushes slowly they wait.
  void finished(std::uint64_t node, std::uint64_t count, ByteCount read);
  // When all threads have stopped.
  void now();

 private:
  using Clock = std::chrono::steady_clock;

  class Flush;
  struct Run {
    std::uint64_t end;
    ByteCount read;
  };

  Manifest& m_manifest;
  CheckpointPolicy m_policy;
  std::function<void()> m_make_durable;
  std::mutex m_mutex;
  std::condition_variable m_flushed;
  std::uint64_t m_done;                  // every node below is written
  std::map<std::uint64_t, Run> m_ahead;  // written runs above, by their starts
  ByteCount m_since;                     // written since the last checkpoint began
  ByteCount m_below;                     // of that: below m_done
  Clock::time_point m_last;              // the end of the last flush
  Clock::duration m_took{};              // that flush
  bool m_busy = false;
};

}  // namespace vmconvert::disk
