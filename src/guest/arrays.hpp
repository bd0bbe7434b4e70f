// MD arrays, Linux' software RAID, and what a guest calls them: md(4), mdadm.conf(5).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/guest_facts.hpp"

namespace vmconvert::guest {

// From libguestfs' pairs of "uuid", "level", "metadata", "name". Nothing for a container of another
// format, which has no filesystem in it.
std::optional<model::Array> array_of_detail(const std::vector<std::string>& pairs);

// "0" is md0 and md/0, "system" is md/system.
void add_array_names(model::Array& array, std::string_view name);
// Adds what mdadm.conf calls the arrays: "ARRAY /dev/md0 UUID=...".
void name_by_configuration(std::vector<model::Filesystem>& filesystems, std::string_view text);

}  // namespace vmconvert::guest
