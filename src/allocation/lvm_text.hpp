// The text in which LVM2 keeps its metadata: sections in braces, "name = value" with numbers,
// strings and lists of both. Strict and bounded: what it does not know is an error.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace vmconvert::allocation {

using LvmScalar = std::variant<std::int64_t, std::string>;
// A scalar is a list of one; `is_list` tells them apart.
struct LvmValue {
  std::vector<LvmScalar> items;
  bool is_list = false;
};

struct LvmSection {
  std::string name;  // empty: the whole text
  std::vector<std::pair<std::string, LvmValue>> values;
  std::vector<LvmSection> sections;

  // Null if there is none.
  [[nodiscard]] const LvmSection* section(std::string_view wanted) const;
  [[nodiscard]] const LvmValue* value(std::string_view wanted) const;
  // Error(bad_input) if absent, of another type, or (number) negative.
  [[nodiscard]] const LvmSection& need_section(std::string_view wanted) const;
  [[nodiscard]] std::uint64_t need_number(std::string_view wanted) const;
  [[nodiscard]] const std::string& need_text(std::string_view wanted) const;
  // A list of strings; empty if absent. Error(bad_input) for anything else.
  [[nodiscard]] std::vector<std::string> texts(std::string_view wanted) const;
};

// Error(bad_input), also for a name that comes twice in one section.
LvmSection parse_lvm_text(std::string_view text);

}  // namespace vmconvert::allocation
