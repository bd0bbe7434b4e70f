// Small helpers for fixers that edit configuration files line by line, header only. Every byte that
// an edit does not mean stays: line endings, a missing last newline, blanks, comments.
#pragma once

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>
#include <vmconvert/fixer.hpp>

namespace vmconvert::fixer {

struct Line {
  std::string text;
  std::string end;  // "\n", "\r\n", or empty for a last line without a newline
};

inline std::vector<Line> lines_of(std::string_view text) {
  std::vector<Line> lines;
  while (!text.empty()) {
    const std::size_t newline = text.find('\n');
    const bool last = newline == std::string_view::npos;
    std::string_view body = last ? text : text.substr(0, newline);
    std::string_view end = last ? "" : "\n";
    if (!last && body.ends_with('\r')) {
      body.remove_suffix(1);
      end = "\r\n";
    }
    lines.push_back({std::string(body), std::string(end)});
    text.remove_prefix(last ? text.size() : newline + 1);
  }
  return lines;
}

inline std::string text_of(const std::vector<Line>& lines) {
  std::string text;
  for (const Line& line : lines) {
    text += line.text + line.end;
  }
  return text;
}

// A new line behind number `after` (counted from 0), with that line's ending. The last line may
// lack its newline: then the new one lacks it.
inline void add_line(std::vector<Line>& lines, std::size_t after, std::string text) {
  Line added{std::move(text), lines.at(after).end};
  if (lines[after].end.empty()) {
    lines[after].end = "\n";
  }
  lines.insert(lines.begin() + static_cast<std::ptrdiff_t>(after) + 1, std::move(added));
}

inline bool is_blank(char byte) {
  return byte == ' ' || byte == '\t' || byte == '\r';
}

inline std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) {
    text.remove_prefix(1);
  }
  while (!text.empty() && is_blank(text.back())) {
    text.remove_suffix(1);
  }
  return text;
}

// The words of a line, as views into it.
inline std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  for (std::size_t at = 0; at < line.size();) {
    if (is_blank(line[at])) {
      ++at;
      continue;
    }
    std::size_t end = at;
    while (end < line.size() && !is_blank(line[end])) {
      ++end;
    }
    words.push_back(line.substr(at, end - at));
    at = end;
  }
  return words;
}

// Views into a text that is gone by the end of the line would dangle: name it first.
template <class Text>
requires std::is_same_v<Text, std::string> std::vector<std::string_view> words_of(Text&& line)
= delete;

// Words that count: none for an empty line or a comment.
inline std::vector<std::string_view> active_words(std::string_view line) {
  std::vector<std::string_view> words = words_of(line);
  if (!words.empty() && words.front().starts_with('#')) {
    words.clear();
  }
  return words;
}

// `part` is a view into `line`; the result is the line with something else there.
inline std::string with_part(std::string_view line, std::string_view part, std::string_view now) {
  const auto at = static_cast<std::size_t>(part.data() - line.data());
  return std::string(line.substr(0, at)) + std::string(now) +
         std::string(line.substr(at + part.size()));
}

inline bool is_name_byte(char byte) {
  return std::isalnum(static_cast<unsigned char>(byte)) != 0 || byte == '_';
}

// Where `word` stands alone ("hvc0" in "/dev/hvc0" or "getty@hvc0.service", not in "hvc01").
inline std::size_t find_name(std::string_view text, std::string_view word, std::size_t from = 0) {
  for (std::size_t at = text.find(word, from); at != std::string_view::npos;
       at = text.find(word, at + 1)) {
    const std::size_t end = at + word.size();
    if ((at == 0 || !is_name_byte(text[at - 1])) &&
        (end == text.size() || !is_name_byte(text[end]))) {
      return at;
    }
  }
  return std::string_view::npos;
}

inline bool has_name(std::string_view text, std::string_view word) {
  return find_name(text, word) != std::string_view::npos;
}

inline std::string with_name(std::string_view text, std::string_view word, std::string_view now) {
  std::string result;
  std::size_t done = 0;  // of the text, so far
  for (std::size_t at = find_name(text, word); at != std::string_view::npos;
       at = find_name(text, word, done)) {
    result += std::string(text.substr(done, at - done)) + std::string(now);
    done = at + word.size();
  }
  return result + std::string(text.substr(done));
}

inline std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char byte) { return static_cast<char>(std::tolower(byte)); });
  return result;
}

inline std::string_view unquoted(std::string_view text) {
  text = trimmed(text);
  const bool quoted = text.size() >= 2 && (text.front() == '"' || text.front() == '\'') &&
                      text.back() == text.front();
  return quoted ? text.substr(1, text.size() - 2) : text;
}

// "NAME=value" -> the value as a view into the line, quotes included; nothing for other lines.
inline std::optional<std::string_view> value_of(std::string_view line, std::string_view name) {
  std::string_view text = trimmed(line);
  if (!text.starts_with(name)) {
    return std::nullopt;
  }
  text = trimmed(text.substr(name.size()));
  return text.starts_with('=') ? std::optional(trimmed(text.substr(1))) : std::nullopt;
}

// A line that is kept for the reader but no longer counts. Only for files with # comments.
inline std::string commented_out(std::string_view line) {
  return "# vmconvert, not for KVM: " + std::string(line);
}

// The text of a configuration file; nothing if there is none. A file with zero bytes in it is no
// text: it is left alone, and a finding says so.
inline std::optional<std::string> text_file(Host& guest, const std::string& path) {
  std::optional<std::string> text = guest.read_if_there(path);
  if (text && text->find('\0') != std::string::npos) {
    guest.finding("config-not-text", VMCONVERT_WARNS,
                  path + " holds bytes that are not text, so it was left as it is",
                  "Look at the file in the guest and repair it, then convert again.");
    return std::nullopt;
  }
  return text;
}

// Calls `edit` with the text of each line; what it returns, if anything, replaces that text. Writes
// the file only if a line changed; true if so.
template <class Edit>
bool edit_lines(Host& guest, const std::string& path, Edit&& edit) {
  const std::optional<std::string> text = text_file(guest, path);
  if (!text) {
    return false;
  }
  std::vector<Line> lines = lines_of(*text);
  for (Line& line : lines) {
    if (std::optional<std::string> now = edit(std::string_view(line.text))) {
      line.text = *now;
    }
  }
  return guest.update(path, text_of(lines));
}

// Backup copies that package managers and editors leave beside a file; nothing reads them.
inline bool is_leftover_copy(std::string_view path) {
  for (const std::string_view ending :
       {"~", ".bak", ".orig", ".old", ".rpmsave", ".rpmnew", ".rpmorig", ".dpkg-old", ".dpkg-dist",
        ".dpkg-new", ".swp"}) {
    if (path.ends_with(ending)) {
      return true;
    }
  }
  return false;
}

}  // namespace vmconvert::fixer
