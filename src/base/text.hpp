// Small text helpers that the standard library lacks.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vmconvert {

std::string_view trim(std::string_view text);
// Empty fields are kept: split("a::b", ':') is {"a", "", "b"}.
std::vector<std::string> split(std::string_view text, char separator);
// Runs of blanks and tabs separate; no empty words.
std::vector<std::string> words(std::string_view text);
// Lines without their newline; a last line without newline counts.
std::vector<std::string> lines(std::string_view text);
std::string join(const std::vector<std::string>& parts, std::string_view separator);
// Of ASCII letters; all else stays.
std::string lower_case(std::string_view text);

std::string replace_all(std::string text, std::string_view from, std::string_view to);
// Decimal digits only, no sign, no overflow; else nothing.
std::optional<unsigned long long> parse_number(std::string_view digits);
// Control characters (but not newline and tab) as \xNN: text from a guest that goes to a terminal.
std::string printable(std::string_view text);

}  // namespace vmconvert
