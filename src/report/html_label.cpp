// Labels of pictures. A picture does not know the font that it will be drawn with, and does not
// break lines: what may not fit is cut before.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>
#include <vector>

#include "report/html_parts.hpp"

namespace vmconvert::report {
namespace {

constexpr std::string_view k_ellipsis = "…";
constexpr double k_ellipsis_width = 1.0;
constexpr double k_fewest = 4;  // times the size: shorter than this says nothing

struct Letter {
  std::string_view bytes;
  double width = 0;  // in sizes of the font
};

// By DejaVu Sans, the widest of the usual fonts, rounded up.
double ascii_width(char letter) {
  constexpr std::string_view k_thin = "ijl.,:;'!| ";
  constexpr std::string_view k_narrow = "Iftr()[]/\\-";
  constexpr std::string_view k_full = "mwMW@%";
  if (k_thin.find(letter) != std::string_view::npos) {
    return 0.35;
  }
  if (k_narrow.find(letter) != std::string_view::npos) {
    return 0.42;
  }
  if (k_full.find(letter) != std::string_view::npos) {
    return 1.0;
  }
  const bool small = (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9');
  return small ? 0.65 : 0.84;
}

// Accents of their own: without end, they would grow over what stands above and below.
bool is_mark(std::string_view letter) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 5> k_marks = {{
      {"\u0300", "\u036f"},
      {"\u1ab0", "\u1aff"},
      {"\u1dc0", "\u1dff"},
      {"\u20d0", "\u20ff"},
      {"\ufe20", "\ufe2f"},
  }};
  // UTF-8 keeps the order of the characters.
  return std::any_of(k_marks.begin(), k_marks.end(), [letter](const auto& range) {
    return letter.size() == range.first.size() && letter >= range.first && letter <= range.second;
  });
}

Letter letter_at(std::string_view text, std::size_t at) {
  const std::size_t length = utf8_length(text, at);
  const std::string_view bytes = text.substr(at, std::max<std::size_t>(length, 1));
  if (length == 1) {
    const bool control = static_cast<unsigned char>(bytes[0]) < 0x20 || bytes[0] == 0x7F;
    return {bytes, control ? 4 * 0.84 : ascii_width(bytes[0])};  // a control is shown as \x1b
  }
  // No character: a replacement is shown. Four bytes: also pictures, which are wider than letters.
  return {bytes, is_mark(bytes) ? 0 : length == 4 ? 1.4 : 1.1};
}

std::vector<Letter> letters_of(std::string_view text) {
  constexpr int k_most_marks = 2;
  std::vector<Letter> letters;
  int marks = 0;
  for (std::size_t at = 0; at < text.size();) {
    const Letter letter = letter_at(text, at);
    at += letter.bytes.size();
    marks = letter.width == 0 ? marks + 1 : 0;
    if (marks <= k_most_marks) {
      letters.push_back(letter);
    }
  }
  return letters;
}

std::string joined(const std::vector<Letter>& letters) {
  std::string text;
  for (const Letter& letter : letters) {
    text += letter.bytes;
  }
  return text;
}

}  // namespace

std::string fit_label(std::string_view text, double width, double size, Cut cut) {
  const double room = width / size;
  std::vector<Letter> letters = letters_of(text);
  const double whole =
      std::accumulate(letters.begin(), letters.end(), 0.0,
                      [](double sum, const Letter& letter) { return sum + letter.width; });
  if (whole <= room) {
    return joined(letters);
  }
  if (room < k_fewest) {
    return "";
  }
  if (cut == Cut::front) {
    std::reverse(letters.begin(), letters.end());
  }
  double taken = k_ellipsis_width;
  const auto end = std::find_if(letters.begin(), letters.end(), [&](const Letter& letter) {
    taken += letter.width;
    return taken > room;
  });
  letters.erase(end, letters.end());
  if (cut == Cut::back) {
    return joined(letters).append(k_ellipsis);
  }
  std::reverse(letters.begin(), letters.end());
  return std::string(k_ellipsis).append(joined(letters));
}

std::string stage_class(std::string_view stage) {
  constexpr std::array<std::string_view, 6> k_stages = {"layout", "appliance", "trial",
                                                        "copy",   "verify",    "define"};
  return std::find(k_stages.begin(), k_stages.end(), stage) == k_stages.end()
             ? "st"
             : fmt::format("st st-{}", stage);
}

}  // namespace vmconvert::report
