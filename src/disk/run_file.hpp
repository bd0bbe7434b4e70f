// Where the clusters of an unfinished qcow2 image lie, in a file beside its job: without it, an
// interrupted copy could not go on.
#pragma once

#include <filesystem>
#include <vector>

#include "disk/cluster_map.hpp"

namespace vmconvert::disk {

// Replaces the file as a whole; on the disk when it returns.
void save_runs(const std::filesystem::path& path, const std::vector<Qcow2Run>& runs);
// Error(bad_input) for a file that is cut short or damaged.
std::vector<Qcow2Run> load_runs(const std::filesystem::path& path);

}  // namespace vmconvert::disk
