// Whether a Linux kernel can be entered as a PVH guest of Xen.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace vmconvert::guest {

enum class PvhEntry {
  there,
  missing,
  unread,  // packed in a way that is not read here, or damaged
};

// By the ELF notes of the kernel proper, which a bzImage holds compressed: XEN_ELFNOTE_PHYS32_ENTRY
// is where a PVH guest starts.
PvhEntry find_pvh_entry(std::string_view image);

struct PvhVerdict {
  std::optional<bool> can;  // nothing: it cannot be told
  std::string how;          // what said so
};

// `image` and `config` (/boot/config-VERSION) may be empty, where they could not be had.
PvhVerdict can_run_as_pvh(std::string_view image, std::string_view config,
                          const std::string& version);

}  // namespace vmconvert::guest
