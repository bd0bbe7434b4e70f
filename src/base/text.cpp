#include "base/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace vmconvert {

std::string_view trim(std::string_view text) {
  constexpr std::string_view k_blank = " \t\r\n";
  const auto first = text.find_first_not_of(k_blank);
  if (first == std::string_view::npos) {
    return {};
  }
  return text.substr(first, text.find_last_not_of(k_blank) - first + 1);
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (;;) {
    const auto end = text.find(separator);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) {
      return parts;
    }
    text.remove_prefix(end + 1);
  }
}

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> found;
  constexpr std::string_view k_blank = " \t\r\n";
  for (;;) {
    const auto first = text.find_first_not_of(k_blank);
    if (first == std::string_view::npos) {
      return found;
    }
    text.remove_prefix(first);
    const auto end = text.find_first_of(k_blank);
    found.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) {
      return found;
    }
    text.remove_prefix(end);
  }
}

// A guest's file of nothing but newlines would take fifty times its size: what comes after this
// many lines stays together as the last one.
constexpr std::size_t k_most_lines = 1U << 20U;

std::vector<std::string> lines(std::string_view text) {
  std::vector<std::string> found;
  const auto newlines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  found.reserve(std::min(newlines + 1, k_most_lines));
  while (!text.empty()) {
    const auto end = found.size() + 1 < k_most_lines ? text.find('\n') : std::string_view::npos;
    found.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) {
      break;
    }
    text.remove_prefix(end + 1);
  }
  return found;
}

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
  std::string text;
  for (const std::string& part : parts) {
    if (&part != &parts.front()) {
      text += separator;
    }
    text += part;
  }
  return text;
}

// Built anew: replacing in place moves the rest of the text each time, which for megabytes from a
// guest takes hours.
std::string lower_case(std::string_view text) {
  std::string result(text);
  for (char& byte : result) {
    if (byte >= 'A' && byte <= 'Z') {
      byte = static_cast<char>(byte - 'A' + 'a');
    }
  }
  return result;
}

std::string replace_all(std::string text, std::string_view from, std::string_view to) {
  std::size_t at = from.empty() ? std::string::npos : text.find(from);
  if (at == std::string::npos) {
    return text;
  }
  std::string replaced;
  std::size_t done = 0;
  for (; at != std::string::npos; at = text.find(from, done)) {
    replaced.append(text, done, at - done).append(to);
    done = at + from.size();
  }
  return replaced.append(text, done);
}

std::optional<unsigned long long> parse_number(std::string_view digits) {
  unsigned long long value = 0;
  const char* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, value);
  if (error != std::errc() || stop != end || digits.empty()) {
    return std::nullopt;
  }
  return value;
}

std::string printable(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7f) {
      safe += fmt::format("\\x{:02x}", byte);
    } else {
      safe += c;
    }
  }
  return safe;
}

}  // namespace vmconvert
