// Whose turn it is. Pure decisions: the clock is given.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "batch/blueprint.hpp"
#include "batch/window.hpp"
#include "model/guest_record.hpp"

namespace vmconvert::batch {

enum class Turn {
  pending,
  running,
  succeeded,
  failed,
  out,  // nothing to do for it: done before, or closed
};

struct QueuedGuest {
  GuestBlueprint blueprint;
  model::GuestRecord record;
  std::vector<std::string> devices;
  unsigned rank = 0;  // of its group
  Turn turn = Turn::pending;
  bool resume = false;  // its last job can go on
};

struct Limits {
  unsigned jobs = 2;
  unsigned jobs_per_device = 1;
  Windows windows;
  RateSchedule rates;
  bool stop_on_failure = true;
  unsigned retries = 3;
  std::int64_t retry_wait = 60;
};
Limits limits_of(const GuestBlueprint& batch);

// Bytes a second and seconds, from what earlier jobs took.
struct Experience {
  double bytes_per_second = 0;
  double other_seconds = 0;
  unsigned jobs = 0;  // that it comes from; 0: assumed
};
Experience experience_of(const std::vector<model::GuestRecord>& records);

// Seconds that a guest's conversion takes by that, with the limit that it would get.
double estimate(const model::GuestRecord& record, const Experience& experience,
                std::uint64_t limit);

struct Decision {
  std::vector<std::size_t> begin;  // now, in this order
  std::int64_t wake = 0;           // when to ask again if nothing else happens; 0: no such time
  unsigned waiting = 0;            // pending ones that a later turn of this run may begin
  unsigned for_window = 0;         // pending, and kept by the windows alone
  unsigned held_back = 0;          // pending, but a group before theirs had a failure
};
Decision decide(const std::vector<QueuedGuest>& guests, const Limits& limits,
                const Experience& experience, std::int64_t now);

// Groups in the order of `named`, then others as they appear; then order, then label.
void sort_queue(std::vector<QueuedGuest>& guests, const Texts& named);

// Before the Nth retry (from 1): twice as long each time, an hour at most.
std::int64_t backoff(const Limits& limits, unsigned retry);

}  // namespace vmconvert::batch
