// What the commands share: setting up a conversion, and saying how it ended.
#pragma once

#include <functional>
#include <string>

#include "cli/options.hpp"
#include "job/conversion.hpp"

namespace vmconvert::cli {

// Text for stdout; the bar is taken off first.
void print(ProgressView& view, const std::string& text);

// `commands` and `view` must outlive what is returned.
job::Tools make_tools(CommandRunner& commands, const Options& options, ProgressView& view);

// Runs `body` and returns what it returns. With --json, the result is printed as one object
// whatever happened, the error in it; Error goes on to main, with what to do next.
int watch_conversion(job::Conversion& conversion, const Options& options, ProgressView& view,
                     const std::function<int()>& body);

// The same with a new conversion.
int with_conversion(const Options& options, ProgressView& view,
                    const std::function<int(job::Conversion&)>& body);

// The story of convert, told in cmd_convert.cpp: resume comes in where it was left.
int convert_from_the_start(job::Conversion& conversion, const Options& options, ProgressView& view);
int finish_conversion(job::Conversion& conversion, const model::Plan& plan, const Options& options,
                      ProgressView& view);

}  // namespace vmconvert::cli
