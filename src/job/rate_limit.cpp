#include "job/rate_limit.hpp"

#include <charconv>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/log.hpp"
#include "base/text.hpp"

namespace vmconvert::job {

std::optional<std::uint64_t> parse_rate(std::string_view text) {
  text = trim(text);
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  if (error != std::errc()) {
    return std::nullopt;
  }
  std::uint64_t factor = 0;
  for (const auto& [name, bytes] : {std::pair<std::string_view, std::uint64_t>{"", 1},
                                    {"K", k_kib},
                                    {"M", k_mib},
                                    {"G", k_gib}}) {
    factor = unit == name ? bytes : factor;
  }
  if (factor == 0 || number > UINT64_MAX / factor) {
    return std::nullopt;
  }
  return number * factor;
}

void RateLimit::look() {
  const std::unique_lock lock(m_mutex, std::try_to_lock);
  const auto now = std::chrono::steady_clock::now();
  if (!lock || (m_looked && now - *m_looked < std::chrono::seconds(1))) {
    return;
  }
  m_looked = now;
  std::error_code error;
  if (!std::filesystem::exists(m_file, error)) {
    return;
  }
  try {
    constexpr std::uint64_t k_limit = 64;
    const auto rate = parse_rate(read_text_file(m_file, k_limit));
    if (rate) {
      m_throttle.set_rate(*rate);
    }
  } catch (const Error& problem) {
    log_detail(problem.message());  // being written just now, or of no use: the old rate stays
  }
}

}  // namespace vmconvert::job
