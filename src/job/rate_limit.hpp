// The limit that a job was given, and the one that somebody wrote into its folder since:
// echo 50M > STATE/jobs/JOB/rate-limit.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string_view>

#include "disk/throttle.hpp"

namespace vmconvert::job {

// "52428800", "50M", "1G", "0" (no limit); nothing for text that is no rate.
std::optional<std::uint64_t> parse_rate(std::string_view text);

class RateLimit {
 public:
  // 0: no limit. The file need not be there.
  RateLimit(std::uint64_t bytes_per_second, std::filesystem::path file)
      : m_throttle(bytes_per_second), m_file(std::move(file)) {}

  [[nodiscard]] disk::Throttle& throttle() noexcept { return m_throttle; }
  // Reads the file, at the first call and once a second at most after it. From any thread, often.
  void look();

 private:
  disk::Throttle m_throttle;
  std::filesystem::path m_file;
  std::mutex m_mutex;
  std::optional<std::chrono::steady_clock::time_point> m_looked;
};

}  // namespace vmconvert::job
