// Which of its entries systemd-boot shows first, header only: their order, and the patterns that
// loader.conf chooses by.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vmconvert::efi {

struct LoaderEntry {
  std::string id;         // the file's name in lower case, without counters: "arch.conf"
  std::string file;       // where it lies in the guest; of type #2, the image itself
  std::string partition;  // the mount point that its paths began at
  std::string title, version, machine_id, sort_key;
  std::string program;  // what is started, as a path in the guest: a kernel, or a unified one
  std::vector<std::string> initrds;
  std::string arguments;
  std::optional<unsigned> tries_left, tries_done;  // boot counting: "arch+3-1.conf"
};

// The version format specification (UAPI.10): negative if a is older.
class VersionOrder {
 public:
  static int compare(std::string_view a, std::string_view b) {
    for (;;) {
      skip_unknown(a);
      skip_unknown(b);
      const int mark = take_mark(a, b, '~');
      if (mark != 0) {
        return mark;
      }
      if (a.empty() || b.empty()) {
        return static_cast<int>(!a.empty()) - static_cast<int>(!b.empty());
      }
      for (const char separator : {'-', '^', '.'}) {
        if (const int order = take_mark(a, b, separator); order != 0) {
          return order;
        }
      }
      const bool digits = starts(a, is_digit) || starts(b, is_digit);
      const int order = digits ? numbers(take(a, is_digit), take(b, is_digit))
                               : take(a, is_letter).compare(take(b, is_letter));
      if (order != 0) {
        return order;
      }
    }
  }

 private:
  static bool is_digit(char byte) { return byte >= '0' && byte <= '9'; }
  static bool is_letter(char byte) {
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
  }
  static bool is_known(char byte) {
    return is_digit(byte) || is_letter(byte) ||
           std::string_view("~-^.").find(byte) != std::string_view::npos;
  }
  static bool starts(std::string_view text, bool (*is)(char)) {
    return !text.empty() && is(text.front());
  }
  static std::string_view take(std::string_view& text, bool (*is)(char)) {
    const auto end = std::find_if_not(text.begin(), text.end(), is);
    const auto size = static_cast<std::size_t>(end - text.begin());
    const std::string_view taken = text.substr(0, size);
    text.remove_prefix(size);
    return taken;
  }
  static void skip_unknown(std::string_view& text) {
    take(text, [](char byte) { return !is_known(byte); });
  }
  // The one that has it is the older one; where both have, it is left behind.
  static int take_mark(std::string_view& a, std::string_view& b, char mark) {
    const bool in_a = a.starts_with(mark), in_b = b.starts_with(mark);
    if (in_a != in_b) {
      return in_a ? -1 : 1;
    }
    a.remove_prefix(in_a ? 1 : 0);
    b.remove_prefix(in_b ? 1 : 0);
    return 0;
  }
  // Of any length: without zeros in front, longer is larger.
  static int numbers(std::string_view a, std::string_view b) {
    a.remove_prefix(std::min(a.find_first_not_of('0'), a.size()));
    b.remove_prefix(std::min(b.find_first_not_of('0'), b.size()));
    return a.size() != b.size() ? (a.size() < b.size() ? -1 : 1) : a.compare(b);
  }
};

// As systemd-boot shows them since version 250: negative if a comes first. What has a sort key goes
// before what has none; what was tried too often goes last.
inline int order_of(const LoaderEntry& a, const LoaderEntry& b) {
  const auto last = [](bool of_a, bool of_b) { return int{of_a} - int{of_b}; };
  if (const int order = last(a.tries_left == 0U, b.tries_left == 0U); order != 0) {
    return order;
  }
  if (const int order = last(a.sort_key.empty(), b.sort_key.empty()); order != 0) {
    return order;
  }
  if (!a.sort_key.empty()) {
    if (const int order = a.sort_key.compare(b.sort_key); order != 0) {
      return order;
    }
    if (const int order = a.machine_id.compare(b.machine_id); order != 0) {
      return order;
    }
    if (const int order = VersionOrder::compare(b.version, a.version); order != 0) {
      return order;
    }
  }
  if (const int order = VersionOrder::compare(b.id, a.id); order != 0) {
    return order;
  }
  const auto left = [](const LoaderEntry& entry) { return entry.tries_left.value_or(~0U); };
  if (left(a) != left(b)) {
    return left(a) > left(b) ? -1 : 1;
  }
  const unsigned done_a = a.tries_done.value_or(0), done_b = b.tries_done.value_or(0);
  return done_a == done_b ? 0 : (done_a < done_b ? -1 : 1);
}

// "[a-c]" at the start of `pattern`, which is moved behind it.
inline bool in_set(std::string_view& pattern, char byte) {
  const std::size_t end = pattern.find(']', 2);
  if (end == std::string_view::npos) {  // no set: the bracket itself
    pattern.remove_prefix(1);
    return byte == '[';
  }
  const std::string_view set = pattern.substr(1, end - 1);
  pattern.remove_prefix(end + 1);
  for (std::size_t i = 0; i < set.size(); ++i) {
    const bool range = i + 2 < set.size() && set[i + 1] == '-';
    if (range ? set[i] <= byte && byte <= set[i + 2] : set[i] == byte) {
      return true;
    }
    i += range ? 2 : 0;
  }
  return false;
}

// "debian-*.conf": * ? [a-z] and \ as systemd-boot has them. A star is given back to once, so a
// pattern of stars is no work.
inline bool matches(std::string_view pattern, std::string_view text) {
  std::optional<std::pair<std::string_view, std::string_view>> star;  // behind it; what it may eat
  for (;;) {
    if (!pattern.empty() && pattern.front() == '*') {
      pattern.remove_prefix(1);
      star = {pattern, text};
      continue;
    }
    bool same = pattern.empty() && text.empty();
    if (same) {
      return true;
    }
    if (!pattern.empty() && !text.empty()) {
      if (pattern.front() == '[') {
        same = in_set(pattern, text.front());
      } else {
        pattern.remove_prefix(pattern.front() == '\\' && pattern.size() > 1 ? 1 : 0);
        same = pattern.front() == '?' || pattern.front() == text.front();
        pattern.remove_prefix(1);
      }
      text.remove_prefix(1);
    }
    if (same) {
      continue;
    }
    if (!star || star->second.empty()) {
      return false;
    }
    star->second.remove_prefix(1);
    pattern = star->first;
    text = star->second;
  }
}

}  // namespace vmconvert::efi
