#include <charconv>

#include "network.hpp"

namespace vmconvert::fixer::network {

namespace {

bool is_digit(char byte) {
  return byte >= '0' && byte <= '9';
}

bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}

// ens3, enp0s4, eno1, enx00163e...: systemd's names for cards by their place.
bool is_predictable(std::string_view name) {
  if (name.size() < 4 || name.size() > 15 || !name.starts_with("en")) {
    return false;
  }
  return std::string_view("opsx").find(name[2]) != std::string_view::npos &&
         std::isxdigit(static_cast<unsigned char>(name[3])) != 0 &&
         std::all_of(name.begin(), name.end(), is_name_byte);
}

}  // namespace

std::optional<unsigned> index_of(std::string_view card) {
  for (const std::string_view prefix : {"eth", "enX"}) {
    const std::string_view digits = card.substr(std::min(prefix.size(), card.size()));
    if (card.starts_with(prefix) && all_digits(digits) && digits.size() <= 4) {
      unsigned index = 0;
      std::from_chars(digits.data(), digits.data() + digits.size(), index);
      return index;
    }
  }
  return std::nullopt;
}

std::string card_of(std::string_view name) {
  const std::string_view card = name.substr(0, name.find_first_of(".:"));
  return index_of(card) || is_predictable(card) ? std::string(card) : std::string();
}

std::string valid_mac(std::string_view text) {
  std::string mac = lower(trimmed(text));
  std::replace(mac.begin(), mac.end(), '-', ':');
  if (mac.size() != 17) {
    return {};
  }
  for (std::size_t at = 0; at < mac.size(); ++at) {
    const bool fits =
        at % 3 == 2 ? mac[at] == ':' : std::isxdigit(static_cast<unsigned char>(mac[at])) != 0;
    if (!fits) {
      return {};
    }
  }
  return mac;
}

std::vector<Setting> settings_of(const std::vector<Line>& lines) {
  constexpr std::size_t k_longest_section = 64;  // each setting has a copy
  std::vector<Setting> settings;
  std::string section;
  for (std::size_t at = 0; at < lines.size(); ++at) {
    const std::string_view line = trimmed(lines[at].text);
    if (line.empty() || line.front() == '#' || line.front() == ';') {
      continue;
    }
    if (line.front() == '[' && line.back() == ']') {
      section = line.substr(1, std::min(line.size() - 2, k_longest_section));
      continue;
    }
    if (const std::size_t equals = line.find('='); equals != std::string_view::npos) {
      settings.push_back({section, std::string(trimmed(line.substr(0, equals))),
                          std::string(trimmed(line.substr(equals + 1))), at});
    }
  }
  return settings;
}

}  // namespace vmconvert::fixer::network
