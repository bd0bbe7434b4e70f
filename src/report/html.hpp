// A job's report as one HTML file: no script, nothing from elsewhere. Whatever came from a guest, a
// console or a description is hostile and is escaped here, at the last moment.
#pragma once

#include <string>
#include <string_view>

#include "model/job_report.hpp"

namespace vmconvert::report {

// Text for an element or for an attribute in double quotes. Control characters become visible,
// what is not UTF-8 becomes a replacement character.
std::string escape_html(std::string_view text);

struct ReportPage {
  model::JobReport report;
  std::string state;    // as the journal has it now
  std::string console;  // of the trial, as it was kept; may be empty
};

std::string job_to_html(const ReportPage& page);

}  // namespace vmconvert::report
