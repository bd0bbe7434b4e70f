// JOB/kept/report.json: what a job's report is made of. Kept when job.json is dropped.
#pragma once

#include <filesystem>
#include <optional>

#include "model/job_report.hpp"

namespace vmconvert::job {

void save_report(const std::filesystem::path& kept, const model::JobReport& report);
// Nothing if the job left none; Error(bad_input) if it is damaged or a later version's.
std::optional<model::JobReport> load_report(const std::filesystem::path& kept);

}  // namespace vmconvert::job
