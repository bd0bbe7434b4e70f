// The parts of a report's page; each returns a piece of HTML.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/job_report.hpp"

namespace vmconvert::report {

std::string_view style_sheet();

// 12 -> "12 s", 185 -> "3 min 05 s"; below ten seconds with a tenth.
std::string seconds_text(double seconds);
std::string bytes_text(std::uint64_t bytes);
std::string time_text(std::int64_t seconds);  // of a clock on the wall; "unknown" for 0

// From the doctype to the first link of the body, style sheet and all.
std::string page_head(std::string_view title);
// One of the large numbers under a headline. `name` is ours, the rest is escaped.
std::string number_box(std::string_view name, const std::string& value, const std::string& more);

// The disk before and after, with a legend and a table of the same numbers.
std::string disk_section(const model::JobReport& report, const model::ReportDisk& disk);
// A unified diff, added and removed lines told apart by sign, colour and word.
std::string diff_block(std::string_view diff, std::string_view label);
std::string edits_section(const model::JobReport& report);
// Stages side by side on the clock, one picture a run; and how fast the bytes went.
std::string time_section(const model::JobReport& report);
std::string throughput_section(const model::JobReport& report);
std::string console_section(const model::JobReport& report, std::string_view console);

}  // namespace vmconvert::report
