#include "batch/schedule.hpp"

#include <algorithm>
#include <map>
#include <tuple>

namespace vmconvert::batch {
namespace {

// Without a job that was measured: a disk of the time that most guests to be converted are from.
constexpr double k_assumed_rate = 30.0 * k_mib;
constexpr double k_assumed_other = 600;
constexpr std::size_t k_recent = 20;
constexpr std::int64_t k_longest_wait = 3600;

// More than one process reads: the others of its device, and of the host.
struct Load {
  unsigned jobs = 0;
  std::map<std::string, unsigned> by_device;

  void add(const QueuedGuest& guest) {
    ++jobs;
    for (const std::string& device : guest.devices) {
      ++by_device[device];
    }
  }
  [[nodiscard]] bool has_room(const QueuedGuest& guest, const Limits& limits) const {
    return jobs < limits.jobs &&
           std::all_of(guest.devices.begin(), guest.devices.end(), [&](const std::string& device) {
             const auto found = by_device.find(device);
             return found == by_device.end() || found->second < limits.jobs_per_device;
           });
  }
};

}  // namespace

Limits limits_of(const GuestBlueprint& batch) {
  Limits limits;
  limits.jobs = static_cast<unsigned>(batch.number("jobs", limits.jobs));
  limits.jobs_per_device =
      static_cast<unsigned>(batch.number("jobs_per_device", limits.jobs_per_device));
  for (const std::string& text : batch.texts("window")) {
    if (const auto window = Window::parse(text)) {
      limits.windows.push_back(*window);
    }
  }
  limits.rates.always = batch.number("rate_limit", 0);
  for (const auto& [time, rate] : batch.map("rate_limit_during")) {
    const auto window = Window::parse(time);
    const auto bytes = parse_size(rate);
    if (window && bytes) {
      limits.rates.during.emplace_back(*window, *bytes);
    }
  }
  limits.stop_on_failure = batch.flag("stop_on_failure", limits.stop_on_failure);
  limits.retries = static_cast<unsigned>(batch.number("retries", limits.retries));
  limits.retry_wait = static_cast<std::int64_t>(
      batch.number("retry_wait", static_cast<std::uint64_t>(limits.retry_wait)));
  return limits;
}

Experience experience_of(const std::vector<model::GuestRecord>& records) {
  std::vector<const model::GuestRecord*> measured;
  for (const model::GuestRecord& record : records) {
    if (record.measure.move_seconds > 0 && record.measure.to_move.value > 0) {
      measured.push_back(&record);
    }
  }
  std::sort(measured.begin(), measured.end(),
            [](const auto* a, const auto* b) { return a->ended > b->ended; });
  measured.resize(std::min(measured.size(), k_recent));
  if (measured.empty()) {
    return {k_assumed_rate, k_assumed_other, 0};
  }
  double bytes = 0;
  double seconds = 0;
  double other = 0;
  for (const model::GuestRecord* record : measured) {
    bytes += static_cast<double>(record->measure.to_move.value);
    seconds += record->measure.move_seconds;
    other = std::max(other, record->measure.other_seconds);
  }
  return {bytes / seconds, other, static_cast<unsigned>(measured.size())};
}

double estimate(const model::GuestRecord& record, const Experience& experience,
                std::uint64_t limit) {
  const ByteCount bytes =
      record.measure.to_move.value > 0 ? record.measure.to_move : record.measure.size;
  double rate = experience.bytes_per_second;
  if (limit > 0) {
    rate = std::min(rate, static_cast<double>(limit));
  }
  return experience.other_seconds + static_cast<double>(bytes.value) / std::max(rate, 1.0);
}

void sort_queue(std::vector<QueuedGuest>& guests, const Texts& named) {
  Texts groups = named;
  for (QueuedGuest& guest : guests) {
    const std::string& group = guest.record.group;
    auto place = std::find(groups.begin(), groups.end(), group);
    if (place == groups.end()) {
      place = groups.insert(groups.end(), group);
    }
    guest.rank = static_cast<unsigned>(place - groups.begin());
  }
  std::stable_sort(guests.begin(), guests.end(), [](const QueuedGuest& a, const QueuedGuest& b) {
    return std::tie(a.rank, a.record.order, a.record.guest) <
           std::tie(b.rank, b.record.order, b.record.guest);
  });
}

Decision decide(const std::vector<QueuedGuest>& guests, const Limits& limits,
                const Experience& experience, std::int64_t now) {
  Decision decision;
  Load load;
  unsigned rank = UINT32_MAX;    // the group whose turn it is
  unsigned failed = UINT32_MAX;  // the first that had a failure
  for (const QueuedGuest& guest : guests) {
    if (guest.turn == Turn::running) {
      load.add(guest);
    }
    if (guest.turn == Turn::running || guest.turn == Turn::pending) {
      rank = std::min(rank, guest.rank);
    }
    if (guest.turn == Turn::failed && limits.stop_on_failure) {
      failed = std::min(failed, guest.rank);
    }
  }
  const auto open = seconds_open(limits.windows, now);
  const std::uint64_t total = limits.rates.at(now);
  for (std::size_t i = 0; i < guests.size(); ++i) {
    const QueuedGuest& guest = guests[i];
    if (guest.turn != Turn::pending) {
      continue;
    }
    if (guest.rank > failed) {
      ++decision.held_back;
      continue;
    }
    if (guest.rank != rank) {
      ++decision.waiting;
      continue;
    }
    const std::uint64_t own = guest.blueprint.number("rate_limit", 0);
    const std::uint64_t share = total / std::max(1U, limits.jobs);
    const std::uint64_t limit = own == 0 ? share : share == 0 ? own : std::min(own, share);
    if (!open || estimate(guest.record, experience, limit) > static_cast<double>(*open)) {
      ++decision.for_window;
      continue;
    }
    ++decision.waiting;
    if (guest.record.next_try > now) {
      decision.wake = decision.wake == 0 ? guest.record.next_try
                                         : std::min(decision.wake, guest.record.next_try);
    } else if (load.has_room(guest, limits)) {
      load.add(guest);
      decision.begin.push_back(i);
    }
  }
  return decision;
}

std::int64_t backoff(const Limits& limits, unsigned retry) {
  std::int64_t wait = limits.retry_wait;
  for (unsigned i = 1; i < retry && wait < k_longest_wait; ++i) {
    wait *= 2;
  }
  return std::min(wait, std::max(k_longest_wait, limits.retry_wait));
}

}  // namespace vmconvert::batch
