// Looks for old values in a guest that is patched: what an identity or an address was before.
#pragma once

#include <string>
#include <vector>

#include "guest/fixer_host.hpp"
#include "guest/guest_root.hpp"
#include "model/finding.hpp"

namespace vmconvert::guest {

struct SearchLimits {
  std::size_t files = 20'000;
  std::size_t depth = 12;
  std::uint64_t file_bytes = 1U << 20U;    // larger files are passed over
  std::uint64_t total_bytes = 64U << 20U;  // read in all
  std::size_t named = 10;                  // files that one finding names
};

// One finding for each value that still stands in a file or a file's name below /etc, /boot, /efi,
// /root, /srv, /opt, /usr/local/etc and /var/www. A note (informs, id "search-cut-short") when a
// limit ended the search. Files that cannot be read are passed over. Links are not followed.
model::Findings search_values(GuestRoot& guest, const std::vector<WatchedValue>& values,
                              const SearchLimits& limits = {});

}  // namespace vmconvert::guest
