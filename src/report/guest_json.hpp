// A guest's lasting record as the JSON that `batch status` and `list` print.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "model/guest_record.hpp"

namespace vmconvert::report {

nlohmann::ordered_json to_object(const model::GuestRecord& record);

// The whole answer, with a newline.
std::string guests_to_json(const std::vector<model::GuestRecord>& guests);

}  // namespace vmconvert::report
