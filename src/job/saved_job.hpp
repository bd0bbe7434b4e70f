// What a job needs to go on when its process is gone: JOB/job.json, written when the copy begins,
// and before that the request alone.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "disk/source_mark.hpp"
#include "job/request.hpp"
#include "model/edit.hpp"
#include "model/extent.hpp"
#include "model/hardware.hpp"
#include "model/result.hpp"

namespace vmconvert::job {

// The part that exists once the plan is made.
struct SavedPlan {
  std::string source_xml;  // the description, with the operator's adjustments
  std::string target_uri;
  std::string domain_xml;
  std::vector<std::vector<model::Extent>> extents;  // one list a target disk
  model::Edits edits;
  std::vector<disk::SourceMark> marks;       // of the sources, before they were read
  std::optional<model::TrialOutcome> trial;  // nothing while none was seen
  std::string original_xml = {};             // the description as it was read
  model::Hardware hardware = {};
};

struct SavedJob {
  Request request;
  std::optional<SavedPlan> plan;
};

void save_job(const std::filesystem::path& folder, const SavedJob& job);
// Error(bad_input) if it is damaged, or of another version.
SavedJob load_job(const std::filesystem::path& folder);

}  // namespace vmconvert::job
