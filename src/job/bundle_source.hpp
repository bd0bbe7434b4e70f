// A bundle's folder as SOURCE: its description, with its disks and its host's kernel in their new
// places.
#pragma once

#include <filesystem>
#include <string>

#include "model/domain.hpp"

namespace vmconvert::job {

// Error(bad_input) if the bundle's facts and its description do not speak of the same disks; what
// bundle::Content::open() throws.
model::Domain open_bundle(const std::filesystem::path& folder);

}  // namespace vmconvert::job
