// Absent is null: what all our JSON does.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

namespace vmconvert::report {

inline nlohmann::ordered_json text_or_null(const std::string& text) {
  return text.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(text);
}

inline nlohmann::ordered_json time_or_null(std::int64_t seconds) {
  return seconds == 0 ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(seconds);
}

}  // namespace vmconvert::report
