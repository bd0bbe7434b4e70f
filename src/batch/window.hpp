// Times of the week in which something holds: "Mon-Fri 22:00-05:00", "Sat 00:00-24:00",
// "22:00-06:00". Local time; the days are those on which a span begins.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vmconvert::batch {

class Window {
 public:
  // Nothing for text that is no such time.
  static std::optional<Window> parse(std::string_view text);

  // Seconds until it closes; nothing while it is closed.
  [[nodiscard]] std::optional<std::int64_t> seconds_left(std::int64_t now) const;
  // The next time, from now on, at which it opens.
  [[nodiscard]] std::int64_t next_opening(std::int64_t now) const;

 private:
  // Around `now`: a span each day of the last and the next week, as seconds since 1970.
  [[nodiscard]] std::vector<std::pair<std::int64_t, std::int64_t>> spans(std::int64_t now) const;

  unsigned m_days = 0x7f;  // bit 0: Sunday
  unsigned m_from = 0;     // minutes of the day
  unsigned m_to = 1440;    // above m_from; may be of the next day
};

using Windows = std::vector<Window>;

// How long work may go on: without windows, for ever. Nothing while all are closed.
std::optional<std::int64_t> seconds_open(const Windows& windows, std::int64_t now);
// The next opening of any; `now` without windows.
std::int64_t next_opening(const Windows& windows, std::int64_t now);

// A limit of bytes a second by time of day.
struct RateSchedule {
  std::uint64_t always = 0;  // 0: no limit
  std::vector<std::pair<Window, std::uint64_t>> during;

  // The lowest that applies; 0: none.
  [[nodiscard]] std::uint64_t at(std::int64_t now) const;
};

}  // namespace vmconvert::batch
