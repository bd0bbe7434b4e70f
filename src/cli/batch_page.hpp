// What a batch's report is made of: records, the jobs that each guest had, what is left by
// estimate.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "job/job_control.hpp"
#include "model/guest_record.hpp"
#include "report/html_batch.hpp"

namespace vmconvert::cli {

// `jobs` are all of the state folder. A job whose record is damaged is left out, with a line in the
// log: a page about two hundred guests does not fail by one of them.
report::BatchPage make_batch_page(const std::filesystem::path& state_dir, const std::string& batch,
                                  std::vector<model::GuestRecord> guests,
                                  const std::vector<job::JobView>& jobs, std::int64_t now);

}  // namespace vmconvert::cli
