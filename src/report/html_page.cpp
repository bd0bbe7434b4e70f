// What every page of a report is made of: escaped text, numbers as people read them, the head.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/text.hpp"
#include "base/units.hpp"
#include "report/html.hpp"
#include "report/html_parts.hpp"

namespace vmconvert::report {
namespace {

// Characters that turn the reading direction or hide: a path could show as another one.
bool deceives(std::string_view character) {
  if (character.size() == 2) {
    return static_cast<unsigned char>(character[0]) == 0xC2 &&
           static_cast<unsigned char>(character[1]) < 0xA0;  // C1 controls
  }
  static constexpr std::array<std::string_view, 14> k_turns = {
      "\u200b", "\u200c", "\u200d", "\u200e", "\u200f", "\u202a", "\u202b",
      "\u202c", "\u202d", "\u202e", "\u2066", "\u2067", "\u2068", "\u2069"};
  return std::find(k_turns.begin(), k_turns.end(), character) != k_turns.end();
}

}  // namespace

std::size_t utf8_length(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(at);
  const std::size_t length = first < 0x80                     ? 1
                             : first >= 0xC2 && first <= 0xDF ? 2
                             : (first & 0xF0U) == 0xE0U       ? 3
                             : first >= 0xF0 && first <= 0xF4 ? 4
                                                              : 0;
  if (length == 0 || at + length > text.size()) {
    return 0;
  }
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xC0U) != 0x80U) {
      return 0;
    }
  }
  const unsigned char second = length > 2 ? byte(at + 1) : 0;
  const bool overlong = (first == 0xE0 && second < 0xA0) || (first == 0xF0 && second < 0x90);
  const bool beyond = (first == 0xED && second > 0x9F) || (first == 0xF4 && second > 0x8F);
  return overlong || beyond ? 0 : length;
}

std::string escape_html(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = utf8_length(text, at);
    if (length == 0) {
      out += "\uFFFD";
      ++at;
      continue;
    }
    const std::string_view character = text.substr(at, length);
    const char first = character[0];
    if (length > 1) {
      out += deceives(character) ? "\uFFFD" : character;
    } else if (first == '&') {
      out += "&amp;";
    } else if (first == '<') {
      out += "&lt;";
    } else if (first == '>') {
      out += "&gt;";
    } else if (first == '"') {
      out += "&quot;";
    } else if (first == '\'') {
      out += "&#39;";
    } else if ((static_cast<unsigned char>(first) < 0x20 && first != '\n' && first != '\t') ||
               first == 0x7F) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(first));
    } else {
      out += first;
    }
    at += length;
  }
  return out;
}

std::string seconds_text(double seconds) {
  if (seconds < 9.95) {
    return fmt::format("{:.1f} s", seconds);
  }
  const auto whole = static_cast<unsigned long long>(std::llround(seconds));
  if (whole >= 3600) {
    return fmt::format("{} h {:02} min", whole / 3600, whole % 3600 / 60);
  }
  return whole >= 60 ? fmt::format("{} min {:02} s", whole / 60, whole % 60)
                     : fmt::format("{} s", whole);
}

std::string bytes_text(std::uint64_t bytes) {
  return to_text(ByteCount{bytes});
}

std::string time_text(std::int64_t seconds) {
  return seconds == 0 ? "unknown" : fmt::format("{:%Y-%m-%d %H:%M:%S}", fmt::localtime(seconds));
}

std::string headline(std::string_view name) {
  return trim(name).empty() ? "(without a name)" : escape_html(name);
}

std::string number_box(std::string_view name, const std::string& value, const std::string& more) {
  return fmt::format("<div><dt>{}</dt><dd>{}<small>{}</small></dd></div>\n", name,
                     escape_html(value), escape_html(more));
}

std::string open_wide(std::string_view label) {
  return fmt::format("<div class=\"wide\" role=\"region\" tabindex=\"0\" aria-label=\"{}\">\n",
                     escape_html(label));
}

std::string close_wide() {
  return "</div>\n";
}

std::string page_head(std::string_view title) {
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      // Nothing is to be loaded or run, whatever slipped through.
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
      "'unsafe-inline'\">\n<meta name=\"color-scheme\" content=\"light dark\">\n"
      "<title>{}</title>\n<style>\n{}</style>\n</head>\n<body>\n"
      "<a class=\"skip\" href=\"#main\">Skip to the content</a>\n",
      escape_html(title), style_sheet());
}

}  // namespace vmconvert::report
