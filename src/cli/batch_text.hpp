// Guests of batches as people read them: a table, a live view, the summary that cron mails.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "batch/run.hpp"
#include "model/guest_record.hpp"

namespace vmconvert::cli {

// One line a guest under a header, cut to `width` (0: not at all).
std::string guests_table(const std::vector<model::GuestRecord>& guests, std::int64_t now,
                         unsigned width);
// One paragraph of totals, then every guest that is not done, with why and what to do. `words`:
// what the run was called with after "batch", to be given again.
std::string batch_summary(const batch::RunReport& report, const std::string& words,
                          const std::filesystem::path& folder);

// Open ones: neither done nor closed.
bool is_open(const model::GuestRecord& record);

}  // namespace vmconvert::cli
