// The file of --metrics, written anew after a command that changed a job.
#pragma once

#include "cli/options.hpp"

namespace vmconvert::cli {

// Nothing without the option or the setting. What goes wrong is a warning: the job's own outcome is
// what the exit code tells of.
void write_metrics(const Options& options);

}  // namespace vmconvert::cli
