#include "batch/known_guests.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/log.hpp"
#include "batch/store.hpp"

namespace vmconvert::batch {

std::vector<model::GuestRecord> known_guests(const std::filesystem::path& state_dir) {
  std::error_code error;
  if (!std::filesystem::exists(state_dir / GuestStore::k_file, error)) {
    return {};
  }
  try {
    return GuestStore(state_dir).watch();
  } catch (const Error& problem) {
    log_warning("what batches know is not shown: " + to_text(problem));
    return {};
  }
}

std::optional<model::GuestRecord> record_of(const std::vector<model::GuestRecord>& records,
                                            const SoughtDomain& domain) {
  const model::GuestRecord* found = nullptr;
  for (const model::GuestRecord& record : records) {
    const auto& uris = domain.connections;
    const bool named =
        record.source == domain.name || (!domain.uuid.empty() && record.source == domain.uuid);
    // Without a connection, the source is a file.
    if (named && !record.connect.empty() &&
        std::find(uris.begin(), uris.end(), record.connect) != uris.end() &&
        (found == nullptr || record.updated > found->updated)) {
      found = &record;
    }
  }
  return found == nullptr ? std::nullopt : std::optional(*found);
}

}  // namespace vmconvert::batch
