// What became of every guest, in STATE/guests.sqlite beside the journal: how far it is, what works
// on it, what it took. Few verbs on purpose: a store that several hosts share can take its place.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/guest_record.hpp"

namespace vmconvert::batch {

struct GuestKey {
  std::string batch;
  std::string guest;

  bool operator==(const GuestKey&) const = default;
};

inline GuestKey key_of(const model::GuestRecord& record) {
  return {record.batch, record.guest};
}

// One connection; not for several threads. Several processes may have it open. A call that returned
// is on the disk. Errors as of the journal.
class GuestStore {
 public:
  static constexpr const char* k_file = "guests.sqlite";  // in the state folder
  // Without a heartbeat for so long, a claim counts no more.
  static constexpr std::int64_t k_claim_seconds = 120;

  explicit GuestStore(const std::filesystem::path& state_dir);
  GuestStore(GuestStore&&) noexcept;
  GuestStore& operator=(GuestStore&&) noexcept;
  ~GuestStore();

  // For one worker at a time: false while another owner's heartbeat is fresh. Makes the record of a
  // guest that is not known yet.
  bool claim(const GuestKey& key, const std::string& owner, std::int64_t now);
  // The owner lives, and is so far. False if the claim is another's by now.
  bool heartbeat(const GuestKey& key, const std::string& owner,
                 const model::GuestProgress& progress, std::int64_t now);
  // All of the record but owner, heartbeat and progress. A standing other than "running" gives the
  // claim back.
  void update(const model::GuestRecord& record);
  // What changed since: records whose revision is higher, by batch, order and guest. 0: all.
  // Nothing for `batch`: of every batch.
  [[nodiscard]] std::vector<model::GuestRecord> watch(
      const std::optional<std::string>& batch = std::nullopt, std::int64_t since = 0) const;

  [[nodiscard]] std::optional<model::GuestRecord> find(const GuestKey& key) const;

 private:
  struct Handle;
  std::unique_ptr<Handle> m_handle;
};

}  // namespace vmconvert::batch
