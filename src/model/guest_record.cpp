#include "model/guest_record.hpp"

#include <algorithm>

namespace vmconvert::model {
namespace {

constexpr std::array<const char*, k_milestones> k_milestone_names = {
    "discovered", "checked",  "tried",    "ready",          "copied",
    "defined",    "cut over", "accepted", "source released"};
constexpr std::array k_standing_names = {"waiting",     "running", "failed",
                                         "interrupted", "done",    "closed"};

}  // namespace

const char* to_string(Milestone milestone) {
  return k_milestone_names.at(static_cast<std::size_t>(milestone));
}

std::optional<Milestone> milestone_from(const std::string& text) {
  std::string plain = text;
  std::replace_if(
      plain.begin(), plain.end(), [](char c) { return c == '-' || c == '_'; }, ' ');
  for (std::size_t i = 0; i < k_milestones; ++i) {
    if (plain == k_milestone_names.at(i)) {
      return static_cast<Milestone>(i);
    }
  }
  return std::nullopt;
}

const char* to_string(Standing standing) {
  return k_standing_names.at(static_cast<std::size_t>(standing));
}

std::optional<Standing> standing_from(const std::string& text) {
  for (std::size_t i = 0; i < k_standing_names.size(); ++i) {
    if (text == k_standing_names.at(i)) {
      return static_cast<Standing>(i);
    }
  }
  return std::nullopt;
}

std::optional<Milestone> GuestRecord::furthest() const {
  for (std::size_t i = k_milestones; i > 0; --i) {
    if (reached.at(i - 1) != 0) {
      return static_cast<Milestone>(i - 1);
    }
  }
  return std::nullopt;
}

}  // namespace vmconvert::model
