#include "domain/xl_settings.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "domain/values.hpp"

namespace vmconvert::domain {

XlSettings::XlSettings(std::string_view line, const std::string& where) {
  if (trim(line).empty()) {
    return;
  }
  for (const std::string& part : split(line, ',')) {
    if (trim(part).empty()) {
      continue;
    }
    const auto equals = part.find('=');
    if (equals == std::string::npos || trim(part.substr(0, equals)).empty()) {
      throw Error(
          ErrorKind::bad_input,
          fmt::format("{} {}: {} is not key=value", where, in_quotes(line), in_quotes(part)),
          "see xl.cfg(5) for how it is written");
    }
    const std::string key(trim(std::string_view(part).substr(0, equals)));
    m_values[key] = std::string(trim(std::string_view(part).substr(equals + 1)));
  }
}

std::string XlSettings::get(const std::string& key) const {
  const auto found = m_values.find(key);
  return found == m_values.end() ? "" : found->second;
}

}  // namespace vmconvert::domain
