#include "model/adjustments.hpp"

#include <array>

namespace vmconvert::model {
namespace {

constexpr std::array k_points = {"begin", "before-copy", "before-define", "end", "failed"};

}  // namespace

const char* to_string(HookPoint point) {
  return k_points.at(static_cast<std::size_t>(point));
}

std::optional<HookPoint> hook_point_from(const std::string& text) {
  for (std::size_t i = 0; i < k_points.size(); ++i) {
    if (text == k_points.at(i)) {
      return static_cast<HookPoint>(i);
    }
  }
  return std::nullopt;
}

}  // namespace vmconvert::model
