// What a blueprint's values say together, after each was read by itself: what excludes each other,
// times, names, addresses. Pure.
#pragma once

#include <string>

#include "batch/blueprint.hpp"

namespace vmconvert::batch {

// Up to a number that nobody reads any more.
void add_problem(BlueprintFile& file, unsigned line, std::string message, std::string hint = {});

void check_sense(BlueprintFile& file);

}  // namespace vmconvert::batch
