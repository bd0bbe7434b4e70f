// One function a command; each returns an exit code and throws Error.
#pragma once

#include "cli/options.hpp"

namespace vmconvert::cli {

int run_list(const Options& options, ProgressView& view);
int run_inspect(const Options& options, ProgressView& view);
int run_check(const Options& options, ProgressView& view);
int run_plan(const Options& options, ProgressView& view);
int run_trial(const Options& options, ProgressView& view);
int run_convert(const Options& options, ProgressView& view);
int run_export(const Options& options, ProgressView& view);
int run_import(const Options& options, ProgressView& view);
int run_bundle(const Options& options, ProgressView& view);
int run_jobs(const Options& options, ProgressView& view);
int run_status(const Options& options, ProgressView& view);
int run_resume(const Options& options, ProgressView& view);
int run_undo(const Options& options, ProgressView& view);
int run_verify(const Options& options, ProgressView& view);
int run_forget(const Options& options, ProgressView& view);
int run_report(const Options& options, ProgressView& view);
int run_config(const Options& options, ProgressView& view);
int run_xl_config(const Options& options, ProgressView& view);
int run_batch(const Options& options, ProgressView& view);
int run_blueprint(const Options& options, ProgressView& view);
int run_completion(const Options& options, ProgressView& view);

}  // namespace vmconvert::cli
