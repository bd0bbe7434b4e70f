#include "allocation/lvm_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/error.hpp"
#include "base/text.hpp"

namespace vmconvert::allocation {
namespace {

constexpr unsigned k_deepest = 8;                // vg, logical_volumes, lv, segment: four are used
constexpr std::size_t k_longest_name = 200;      // LVM: 128
constexpr std::size_t k_most_names = 1U << 20U;  // of the whole text

[[noreturn]] void strange(const std::string& what) {
  throw Error(ErrorKind::bad_input, "its LVM metadata cannot be understood: " + what);
}

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '.' || c == '+' || c == '/';
}

class Parser {
 public:
  explicit Parser(std::string_view text) : m_text(text) {}

  LvmSection parse() { return section({}, 0); }

 private:
  void skip_blank() {
    while (m_at < m_text.size()) {
      const char c = m_text[m_at];
      if (c == '#') {
        m_at = std::min(m_text.find('\n', m_at), m_text.size());
      } else if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
        ++m_at;
      } else {
        return;
      }
    }
  }

  // '\0' at the end.
  char peek() {
    skip_blank();
    return m_at < m_text.size() ? m_text[m_at] : '\0';
  }

  void expect(char wanted) {
    if (peek() != wanted) {
      strange(fmt::format("byte {} is not '{}'", m_at, wanted));
    }
    ++m_at;
  }

  std::string name() {
    const std::size_t start = m_at;
    while (m_at < m_text.size() && is_name_character(m_text[m_at])) {
      ++m_at;
    }
    if (m_at == start || m_at - start > k_longest_name || ++m_names > k_most_names) {
      strange(fmt::format("no name at byte {}", start));
    }
    return std::string(m_text.substr(start, m_at - start));
  }

  LvmSection section(std::string own_name, unsigned depth) {
    if (depth > k_deepest) {
      strange("it is too deep");
    }
    LvmSection made{std::move(own_name), {}, {}};
    while (true) {
      const char next = peek();
      if (depth == 0 ? next == '\0' && m_at == m_text.size() : next == '}') {
        break;
      }
      std::string key = name();
      if (peek() == '{') {
        ++m_at;
        made.sections.push_back(section(std::move(key), depth + 1));
        expect('}');
      } else {
        expect('=');
        made.values.emplace_back(std::move(key), value());
      }
    }
    check_names(made);
    return made;
  }

  static void check_names(const LvmSection& section) {
    std::vector<std::string_view> names;
    for (const auto& [name, value] : section.values) {
      names.push_back(name);
    }
    for (const LvmSection& inner : section.sections) {
      names.push_back(inner.name);
    }
    std::sort(names.begin(), names.end());
    if (std::adjacent_find(names.begin(), names.end()) != names.end()) {
      strange("a name comes twice");
    }
  }

  LvmValue value() {
    if (peek() != '[') {
      return {{scalar()}, false};
    }
    ++m_at;
    LvmValue list{{}, true};
    while (peek() != ']') {
      if (!list.items.empty()) {
        expect(',');
      }
      list.items.push_back(scalar());
    }
    ++m_at;
    return list;
  }

  LvmScalar scalar() {
    if (peek() == '"') {
      return quoted();
    }
    const bool negative = peek() == '-';
    const std::size_t start = m_at + (negative ? 1 : 0);
    m_at = start;
    while (m_at < m_text.size() && m_text[m_at] >= '0' && m_text[m_at] <= '9') {
      ++m_at;
    }
    const auto number = parse_number(m_text.substr(start, m_at - start));
    if (!number || *number > std::numeric_limits<std::int64_t>::max()) {
      strange(fmt::format("no value at byte {}", start));
    }
    return negative ? -static_cast<std::int64_t>(*number) : static_cast<std::int64_t>(*number);
  }

  std::string quoted() {
    std::string text;
    for (++m_at; m_at < m_text.size() && m_text[m_at] != '"'; ++m_at) {
      if (m_text[m_at] == '\\') {
        ++m_at;
      }
      if (m_at < m_text.size()) {
        text += m_text[m_at];
      }
    }
    if (m_at >= m_text.size()) {
      strange("a string has no end");
    }
    ++m_at;
    return text;
  }

  std::string_view m_text;
  std::size_t m_at = 0;
  std::size_t m_names = 0;
};

[[noreturn]] void missing(std::string_view name) {
  strange(fmt::format("no usable \"{}\"", name));
}

}  // namespace

const LvmSection* LvmSection::section(std::string_view wanted) const {
  const auto found = std::find_if(sections.begin(), sections.end(),
                                  [&](const LvmSection& inner) { return inner.name == wanted; });
  return found == sections.end() ? nullptr : &*found;
}

const LvmValue* LvmSection::value(std::string_view wanted) const {
  const auto found = std::find_if(values.begin(), values.end(),
                                  [&](const auto& pair) { return pair.first == wanted; });
  return found == values.end() ? nullptr : &found->second;
}

const LvmSection& LvmSection::need_section(std::string_view wanted) const {
  const LvmSection* found = section(wanted);
  if (found == nullptr) {
    missing(wanted);
  }
  return *found;
}

std::uint64_t LvmSection::need_number(std::string_view wanted) const {
  const LvmValue* found = value(wanted);
  if (found == nullptr || found->is_list ||
      !std::holds_alternative<std::int64_t>(found->items[0]) ||
      std::get<std::int64_t>(found->items[0]) < 0) {
    missing(wanted);
  }
  return static_cast<std::uint64_t>(std::get<std::int64_t>(found->items[0]));
}

const std::string& LvmSection::need_text(std::string_view wanted) const {
  const LvmValue* found = value(wanted);
  if (found == nullptr || found->is_list || !std::holds_alternative<std::string>(found->items[0])) {
    missing(wanted);
  }
  return std::get<std::string>(found->items[0]);
}

std::vector<std::string> LvmSection::texts(std::string_view wanted) const {
  const LvmValue* found = value(wanted);
  if (found == nullptr) {
    return {};
  }
  std::vector<std::string> made;
  for (const LvmScalar& item : found->items) {
    if (!found->is_list || !std::holds_alternative<std::string>(item)) {
      missing(wanted);
    }
    made.push_back(std::get<std::string>(item));
  }
  return made;
}

LvmSection parse_lvm_text(std::string_view text) {
  return Parser(text).parse();
}

}  // namespace vmconvert::allocation
