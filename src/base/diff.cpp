// Longest common subsequence by dynamic programming after common head and tail are cut off. Files
// that we edit are small; where both middles are long, the middle is shown as replaced whole.
#include "base/diff.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/text.hpp"

namespace vmconvert {
namespace {

struct DiffLine {
  char mark;  // ' ', '-', '+'
  std::string text;
};

using Lines = std::vector<std::string>;
using Script = std::vector<DiffLine>;

constexpr std::size_t k_context = 3;
constexpr std::size_t k_table_limit = 16U << 20U;

void append(Script& script, char mark, const Lines& from, std::size_t first, std::size_t last) {
  for (std::size_t i = first; i < last; ++i) {
    script.push_back({mark, from[i]});
  }
}

void diff_middle(Script& script, const Lines& a, std::size_t a0, std::size_t a1, const Lines& b,
                 std::size_t b0, std::size_t b1) {
  const std::size_t rows = a1 - a0;
  const std::size_t columns = b1 - b0;
  if (rows == 0 || columns == 0 || rows * columns > k_table_limit) {
    append(script, '-', a, a0, a1);
    append(script, '+', b, b0, b1);
    return;
  }
  // common[i][j]: length of the longest common subsequence of a[a0+i..] and b[b0+j..]
  const std::size_t width = columns + 1;
  std::vector<unsigned> common((rows + 1) * width, 0);
  for (std::size_t i = rows; i-- > 0;) {
    for (std::size_t j = columns; j-- > 0;) {
      common[i * width + j] =
          a[a0 + i] == b[b0 + j] ? common[(i + 1) * width + j + 1] + 1
                                 : std::max(common[(i + 1) * width + j], common[i * width + j + 1]);
    }
  }
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < rows && j < columns) {
    if (a[a0 + i] == b[b0 + j]) {
      script.push_back({' ', a[a0 + i]});
      ++i;
      ++j;
    } else if (common[(i + 1) * width + j] >= common[i * width + j + 1]) {
      script.push_back({'-', a[a0 + i++]});
    } else {
      script.push_back({'+', b[b0 + j++]});
    }
  }
  append(script, '-', a, a0 + i, a1);
  append(script, '+', b, b0 + j, b1);
}

Script edit_script(const Lines& a, const Lines& b) {
  std::size_t head = 0;
  while (head < a.size() && head < b.size() && a[head] == b[head]) {
    ++head;
  }
  std::size_t tail = 0;
  while (tail < a.size() - head && tail < b.size() - head &&
         a[a.size() - 1 - tail] == b[b.size() - 1 - tail]) {
    ++tail;
  }
  Script script;
  append(script, ' ', a, 0, head);
  diff_middle(script, a, head, a.size() - tail, b, head, b.size() - tail);
  append(script, ' ', a, a.size() - tail, a.size());
  return script;
}

// Lines with their missing last newline made visible, as diff(1) does.
Lines lines_to_show(std::string_view text) {
  Lines found = lines(text);
  if (!text.empty() && text.back() != '\n') {
    found.back() += "\n\\ No newline at end of file";
  }
  return found;
}

}  // namespace

std::string unified_diff(std::string_view old_label, std::string_view old_text,
                         std::string_view new_label, std::string_view new_text) {
  if (old_text == new_text) {
    return {};
  }
  const Script script = edit_script(lines_to_show(old_text), lines_to_show(new_text));
  std::string out = fmt::format("--- {}\n+++ {}\n", printable(old_label), printable(new_label));
  std::size_t old_line = 1;
  std::size_t new_line = 1;
  std::size_t at = 0;
  while (at < script.size()) {
    std::size_t change = at;
    while (change < script.size() && script[change].mark == ' ') {
      ++change;
    }
    if (change == script.size()) {
      break;
    }
    const std::size_t start = std::max(at, change >= k_context ? change - k_context : 0);
    old_line += start - at;
    new_line += start - at;
    std::size_t end = change;  // one past the last line of the hunk
    for (std::size_t i = change; i < script.size() && i < end + 2 * k_context + 1; ++i) {
      if (script[i].mark != ' ') {
        end = i + 1;
      }
    }
    end = std::min(end + k_context, script.size());
    std::size_t old_count = 0;
    std::size_t new_count = 0;
    std::string body;
    for (std::size_t i = start; i < end; ++i) {
      old_count += script[i].mark != '+' ? 1U : 0U;
      new_count += script[i].mark != '-' ? 1U : 0U;
      body += fmt::format("{}{}\n", script[i].mark, printable(script[i].text));
    }
    out += fmt::format("@@ -{},{} +{},{} @@\n{}", old_count == 0 ? old_line - 1 : old_line,
                       old_count, new_count == 0 ? new_line - 1 : new_line, new_count, body);
    old_line += old_count;
    new_line += new_count;
    at = end;
  }
  return out;
}

}  // namespace vmconvert
