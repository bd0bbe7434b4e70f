// The site's configuration: /etc/vmconvert/vmconvert.toml, or the file that VMCONVERT_CONFIG names.
// One table of settings makes the reader, `vmconvert config` and the example that is installed.
#pragma once

#include <string>
#include <string_view>

#include "cli/options.hpp"

namespace vmconvert::cli {

// Sets what options have before the command line is read: from the file, then from the environment.
// Error(usage) with file and line for what is not understood.
void apply_settings(Options& options);

// The same for the text of a file; `path` is for messages.
void apply_settings_text(Options& options, std::string_view text, const std::string& path);

// Whether an option's value is the configuration's, and was not given on the command line.
bool from_settings(const Options& options, std::string_view key);

// Every setting with its value and where it came from.
std::string settings_to_text(const Options& options);
std::string settings_to_json(const Options& options);
// A file in which every setting stands, commented out, with its default.
std::string example_settings();

}  // namespace vmconvert::cli
