// A blueprint's values take the places of options that the command line leaves open.
#pragma once

#include <CLI/App.hpp>

#include "batch/blueprint.hpp"
#include "cli/options.hpp"

namespace vmconvert::cli {

// With -b FILE: reads it, finds SOURCE's guest in it and lays it under the options. Values go
// through the options' own checks. Error(usage) for a file with mistakes, or without the guest.
void apply_blueprint(CLI::App& command, Options& options);

// The same of a guest that is at hand.
void lay_under(CLI::App& command, const batch::GuestBlueprint& guest,
               const std::filesystem::path& file, Options& options);

}  // namespace vmconvert::cli
