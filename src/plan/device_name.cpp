#include "plan/device_name.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace vmconvert::plan {

std::optional<DeviceName> parse_device_name(std::string_view name) {
  static constexpr std::array<std::string_view, 4> k_prefixes = {"xvd", "sd", "hd", "vd"};
  static constexpr unsigned long long k_max_partition = 1U << 20U;  // xvd minors end there
  const auto* prefix = std::find_if(k_prefixes.begin(), k_prefixes.end(),
                                    [&](std::string_view p) { return name.starts_with(p); });
  if (prefix == k_prefixes.end()) {
    return std::nullopt;
  }
  const std::string_view rest = name.substr(prefix->size());
  const std::size_t digits =
      std::min(rest.find_first_not_of("abcdefghijklmnopqrstuvwxyz"), rest.size());
  DeviceName found{std::string(*prefix), std::string(rest.substr(0, digits)), 0};
  if (found.letters.empty() || found.letters.size() > 3) {
    return std::nullopt;
  }
  if (digits < rest.size()) {
    const auto number = parse_number(rest.substr(digits));
    if (rest[digits] == '0' || !number || *number > k_max_partition) {
      return std::nullopt;
    }
    found.partition = static_cast<unsigned>(*number);
  }
  return found;
}

bool letters_before(std::string_view a, std::string_view b) {
  return a.size() != b.size() ? a.size() < b.size() : a < b;
}

std::string target_disk_name(std::size_t position) {
  std::string letters;
  for (std::size_t rest = position + 1; rest > 0; rest = (rest - 1) / 26) {
    letters.insert(letters.begin(), static_cast<char>('a' + (rest - 1) % 26));
  }
  return "vd" + letters;
}

}  // namespace vmconvert::plan
