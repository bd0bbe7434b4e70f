#include "batch/window.hpp"

#include <algorithm>
#include <array>
#include <ctime>

#include "base/text.hpp"

namespace vmconvert::batch {
namespace {

constexpr std::array<std::string_view, 7> k_days = {"sun", "mon", "tue", "wed",
                                                    "thu", "fri", "sat"};
constexpr unsigned k_minutes = 24 * 60;
constexpr std::int64_t k_for_ever = INT64_MAX;

std::optional<unsigned> parse_day(std::string_view text) {
  std::string plain(text);
  std::transform(plain.begin(), plain.end(), plain.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  for (unsigned day = 0; day < k_days.size(); ++day) {
    if (plain == k_days.at(day)) {
      return day;
    }
  }
  return std::nullopt;
}

// "Mon-Fri", "Sat,Sun": a bit each.
std::optional<unsigned> parse_days(std::string_view text) {
  unsigned days = 0;
  for (const std::string& part : split(text, ',')) {
    const auto ends = split(part, '-');
    const auto first = parse_day(ends.front());
    const auto last = parse_day(ends.back());
    if (ends.size() > 2 || !first || !last) {
      return std::nullopt;
    }
    for (unsigned day = *first;; day = (day + 1) % 7) {
      days |= 1U << day;
      if (day == *last) {
        break;
      }
    }
  }
  return days;
}

// "22:00", up to "24:00".
std::optional<unsigned> parse_minute(std::string_view text) {
  const auto parts = split(text, ':');
  if (parts.size() != 2 || parts[0].size() > 2 || parts[1].size() != 2) {
    return std::nullopt;
  }
  const auto hours = parse_number(parts[0]);
  const auto minutes = parse_number(parts[1]);
  if (!hours || !minutes || *minutes > 59 || *hours * 60 + *minutes > k_minutes) {
    return std::nullopt;
  }
  return static_cast<unsigned>(*hours * 60 + *minutes);
}

}  // namespace

std::optional<Window> Window::parse(std::string_view text) {
  const auto parts = words(text);
  if (parts.empty() || parts.size() > 2) {
    return std::nullopt;
  }
  Window window;
  if (parts.size() == 2) {
    const auto days = parse_days(parts[0]);
    if (!days) {
      return std::nullopt;
    }
    window.m_days = *days;
  }
  const auto ends = split(parts.back(), '-');
  const auto from = parse_minute(ends.front());
  const auto to = parse_minute(ends.back());
  if (ends.size() != 2 || !from || !to || *from == k_minutes || *from == *to) {
    return std::nullopt;
  }
  window.m_from = *from;
  window.m_to = *to > *from ? *to : *to + k_minutes;
  return window;
}

// By calendar days, not by 86400 s: a day on which the clock changes has 23 or 25 hours.
std::vector<std::pair<std::int64_t, std::int64_t>> Window::spans(std::int64_t now) const {
  std::vector<std::pair<std::int64_t, std::int64_t>> found;
  const std::time_t time = now;
  std::tm today{};
  ::localtime_r(&time, &today);
  const auto moment = [&today](int day, unsigned minute) {
    std::tm at{};
    at.tm_year = today.tm_year;
    at.tm_mon = today.tm_mon;
    at.tm_mday = today.tm_mday + day;
    at.tm_min = static_cast<int>(minute);
    at.tm_isdst = -1;
    return std::int64_t{::mktime(&at)};
  };
  for (int day = -8; day <= 8; ++day) {
    const unsigned weekday = static_cast<unsigned>(today.tm_wday + day + 14) % 7;
    if ((m_days >> weekday & 1U) != 0) {
      found.emplace_back(moment(day, m_from), moment(day, m_to));
    }
  }
  return found;
}

std::optional<std::int64_t> Window::seconds_left(std::int64_t now) const {
  std::int64_t end = now;
  // Spans that meet (Sat 00:00-24:00 and Sun) are one.
  for (const auto& [from, to] : spans(now)) {
    if (from <= end && to > end && (from <= now || end > now)) {
      end = to;
    }
  }
  return end > now ? std::optional(end - now) : std::nullopt;
}

std::int64_t Window::next_opening(std::int64_t now) const {
  for (const auto& [from, to] : spans(now)) {
    if (to > now) {
      return std::max(from, now);
    }
  }
  return now;  // every week has one: not reached
}

std::optional<std::int64_t> seconds_open(const Windows& windows, std::int64_t now) {
  if (windows.empty()) {
    return k_for_ever;
  }
  // One may go on where another ends.
  std::int64_t end = now;
  for (bool grew = true; grew;) {
    grew = false;
    for (const Window& window : windows) {
      if (const auto left = window.seconds_left(end)) {
        constexpr std::int64_t k_week = 7 * 86400;
        grew = end - now < k_week;
        end += *left;
      }
    }
  }
  return end > now ? std::optional(end - now) : std::nullopt;
}

std::int64_t next_opening(const Windows& windows, std::int64_t now) {
  std::int64_t next = windows.empty() ? now : k_for_ever;
  for (const Window& window : windows) {
    next = std::min(next, window.next_opening(now));
  }
  return next;
}

std::uint64_t RateSchedule::at(std::int64_t now) const {
  std::uint64_t lowest = always;
  for (const auto& [window, rate] : during) {
    if (window.seconds_left(now) && rate != 0 && (lowest == 0 || rate < lowest)) {
      lowest = rate;
    }
  }
  return lowest;
}

}  // namespace vmconvert::batch
