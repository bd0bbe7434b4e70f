// Unified diffs, as people read them.
#pragma once

#include <string>
#include <string_view>

namespace vmconvert {

// "--- a/etc/fstab\n+++ b/etc/fstab\n@@ ...": empty when equal. An absent side is /dev/null:
// give its label as such. Lines are shown with control characters escaped.
std::string unified_diff(std::string_view old_label, std::string_view old_text,
                         std::string_view new_label, std::string_view new_text);

}  // namespace vmconvert
