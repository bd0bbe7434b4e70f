// The operator's wishes as JSON: in the facts that fixers read, and in what a job saves.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "model/wishes.hpp"

namespace vmconvert::guest {

nlohmann::json wishes_to_json(const model::Wishes& wishes);
// Members that are missing are as without a wish. Throws nlohmann's exceptions.
model::Wishes wishes_from_json(const nlohmann::json& json);

}  // namespace vmconvert::guest
