// The kept log of a guest's console: cleaned lines, up to a limit.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

#include "base/fd.hpp"

namespace vmconvert::trial {

class ConsoleLog {
 public:
  static constexpr std::uint64_t k_limit = 16U << 20U;

  // An empty path: nothing is kept.
  explicit ConsoleLog(const std::filesystem::path& path);

  // A full disk or limit ends the log, not the trial.
  void add(std::string_view line);

 private:
  void write(std::string_view text);

  Fd m_fd;
  std::uint64_t m_written = 0;
};

}  // namespace vmconvert::trial
