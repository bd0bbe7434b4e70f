// What the commands share: setting up a conversion, and saying how it ended.
#pragma once

#include <functional>
#include <string>

#include "cli/options.hpp"
#include "job/conversion.hpp"

namespace vmconvert::cli {

// Text for stdout; the bar is taken off first.
void print(ProgressView& view, const std::string& text);

// Makes the conversion, runs `body` on it and returns what it returns. With --json, the result is
// printed as one object whatever happened, the error in it; Error goes on to main.
int with_conversion(const Options& options, ProgressView& view,
                    const std::function<int(job::Conversion&)>& body);

}  // namespace vmconvert::cli
