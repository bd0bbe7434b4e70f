// The parts of a report's page; each returns a piece of HTML.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/job_report.hpp"

namespace vmconvert::report {

std::string_view style_sheet();

// How many bytes a well-formed UTF-8 character at `at` has; 0: it is none.
std::size_t utf8_length(std::string_view text, std::size_t at);
// 12 -> "12 s", 185 -> "3 min 05 s"; below ten seconds with a tenth.
std::string seconds_text(double seconds);
std::string bytes_text(std::uint64_t bytes);
std::string time_text(std::int64_t seconds);  // of a clock on the wall; "unknown" for 0

enum class Cut { front, back };  // which end of a text goes where it has no room
// A label of a picture that is at most `width` wide there, in letters of `size`; nothing where not
// even a few would fit. Whatever the font: counted by the widest of the usual ones. Not escaped.
std::string fit_label(std::string_view text, double width, double size, Cut cut);
// The class of a stage's bar. Known stages have colours; a record could hold any text.
std::string stage_class(std::string_view stage);

// From the doctype to the first link of the body, style sheet and all.
std::string page_head(std::string_view title);
// A name as a headline, escaped. A heading without words would be none for those who hear the page.
std::string headline(std::string_view name);
// One of the large numbers under a headline. `name` is ours, the rest is escaped.
std::string number_box(std::string_view name, const std::string& value, const std::string& more);

// Something that may be wider than a narrow screen: then it can be scrolled, also by keyboard.
std::string open_wide(std::string_view label);
std::string close_wide();

// The disk before and after, with a legend and a table of the same numbers. `number`: 1 for the
// first disk.
std::string disk_section(const model::JobReport& report, const model::ReportDisk& disk,
                         std::size_t number);
// A unified diff, added and removed lines told apart by sign, colour and word.
std::string diff_block(std::string_view diff, std::string_view label);
std::string edits_section(const model::JobReport& report);
// Stages side by side on the clock, one picture a run; and how fast the bytes went.
std::string time_section(const model::JobReport& report);
std::string throughput_section(const model::JobReport& report);
std::string console_section(const model::JobReport& report, std::string_view console);

}  // namespace vmconvert::report
