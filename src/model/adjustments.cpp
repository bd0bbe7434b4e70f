#include "model/adjustments.hpp"

#include <array>

namespace vmconvert::model {
namespace {

constexpr std::array k_points = {"begin", "before-copy", "before-define", "end", "failed"};
constexpr std::array k_xen_types = {"keep", "pvh", "hvm"};

}  // namespace

const char* to_string(HookPoint point) {
  return k_points.at(static_cast<std::size_t>(point));
}

const char* to_string(XenType type) {
  return k_xen_types.at(static_cast<std::size_t>(type));
}

std::optional<XenType> xen_type_from(const std::string& text) {
  for (std::size_t i = 0; i < k_xen_types.size(); ++i) {
    if (text == k_xen_types.at(i)) {
      return static_cast<XenType>(i);
    }
  }
  return std::nullopt;
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
