// Paths inside a guest, and the matching of patterns over any GuestRoot.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "guest/guest_root.hpp"

namespace vmconvert::guest {

// "/etc//./fstab" is {"etc", "fstab"}; ".." stays. Throws bad_input for a path that is relative,
// too long, or holds a zero byte.
std::vector<std::string> path_components(std::string_view path);

// "/" and the components joined by "/".
std::string path_of(const std::vector<std::string>& components);

// All paths that match, sorted. Component by component over list(): *, ?, [] and \ as in
// fnmatch(3); a leading dot is matched by a dot only; no braces.
std::vector<std::string> glob_over(GuestRoot& root, std::string_view pattern);

}  // namespace vmconvert::guest
