// JSON of a stranger's: bounded in depth, so that a small file cannot become a deep tree.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

#include "base/error.hpp"

namespace vmconvert::bundle {

inline nlohmann::json parse_json(std::string_view text) {
  constexpr int k_deepest = 8;
  return nlohmann::json::parse(text, [](int depth, nlohmann::json::parse_event_t, nlohmann::json&) {
    if (depth > k_deepest) {
      throw Error(ErrorKind::bad_input, "its JSON is nested more deeply than any of ours");
    }
    return true;
  });
}

}  // namespace vmconvert::bundle
