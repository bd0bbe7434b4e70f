// The objects that --json prints. Names and units are a contract: other people's scripts read them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/domain.hpp"
#include "model/guest_facts.hpp"
#include "model/layout.hpp"
#include "model/plan.hpp"
#include "model/progress.hpp"
#include "model/result.hpp"

namespace vmconvert::report {

inline constexpr int k_json_version = 1;

std::string to_json(const model::RunResult& result);
// The result plus layout, steps and the domain's XML as a diff.
std::string to_json(const model::RunResult& result, const model::Plan& plan);
std::string inspection_to_json(const model::Domain& domain, const model::GuestFacts& guest,
                               const model::Layout& layout);

// One line of --progress json: which job this is.
std::string job_to_json_line(const std::string& job, const std::string& guest, double seconds);

// One line of --progress json.
std::string to_json_line(const model::Progress& progress, double seconds);

}  // namespace vmconvert::report
