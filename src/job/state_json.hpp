// JSON of our own in the state folder: nobody else writes it, but disks and hands break files.
#pragma once

#include <limits>
#include <nlohmann/json.hpp>
#include <string>

#include "base/error.hpp"

namespace vmconvert::job {

// Error, or the library's exception where it is no JSON. A number with a fraction is seconds, and
// small: read as an integer, a larger one would be undefined, for the library converts without
// looking.
inline nlohmann::json parse_state_json(const std::string& text) {
  using Json = nlohmann::json;
  bool good = true;
  Json json = Json::parse(text, [&](int, Json::parse_event_t event, const Json& value) {
    if (event == Json::parse_event_t::value && value.is_number_float()) {
      const auto number = value.get<double>();
      good = good && number > -1 && number <= std::numeric_limits<int>::max();
    }
    return true;
  });
  if (!good) {
    throw Error(ErrorKind::bad_input, "a number in the job's own files is out of range");
  }
  return json;
}

}  // namespace vmconvert::job
