// The state folder decides what is removed, started and believed: nobody else may write to it.
#pragma once

#include <filesystem>

namespace vmconvert::job {

// Makes the folder if it is missing. Error(bad_input) if it belongs to another user than this one
// or root, or if its group or others may write to it; Error(io) if it cannot be made.
void require_own_folder(const std::filesystem::path& folder);

// The same for a file in it; also for one that is a link or no plain file. An absent one is fine.
void require_own_file(const std::filesystem::path& file);

}  // namespace vmconvert::job
