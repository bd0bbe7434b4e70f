// The parts of a batch's page that have files of their own.
#pragma once

#include <string>

#include "report/html_batch.hpp"

namespace vmconvert::report {

// One picture for each time that the batch worked, with a table of the same.
std::string batch_time_section(const BatchPage& page);

// A table may be wider than a narrow screen: then it can be scrolled, also by keyboard.
std::string open_table(std::string_view label);
std::string close_table();

}  // namespace vmconvert::report
