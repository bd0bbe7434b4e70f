// The parts of a batch's page that have files of their own.
#pragma once

#include <string>

#include "report/html_batch.hpp"

namespace vmconvert::report {

// One picture for each time that the batch worked, with a table of the same.
std::string batch_time_section(const BatchPage& page);

}  // namespace vmconvert::report
