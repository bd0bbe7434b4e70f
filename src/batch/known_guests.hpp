// The store of guests for those who only look: nothing is made where there is none.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "model/guest_record.hpp"

namespace vmconvert::batch {

// All records. None, with a line in the log, where the store is not ours to read.
std::vector<model::GuestRecord> known_guests(const std::filesystem::path& state_dir);

struct SoughtDomain {
  std::string name;
  std::string uuid;
  std::vector<std::string> connections;  // each spelling of the URI that it was found by
};
// Pure: what is known of a domain. Of several batches that had it, the one that it was last in.
std::optional<model::GuestRecord> record_of(const std::vector<model::GuestRecord>& records,
                                            const SoughtDomain& domain);

}  // namespace vmconvert::batch
