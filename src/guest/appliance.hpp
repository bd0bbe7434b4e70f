// The guest's disks in a small machine of ours (libguestfs): one launch for looking, changing and
// trimming. The disks are overlays, so that whatever happens here stays out of the source.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/units.hpp"
#include "guest/guest_root.hpp"
#include "guest/inspect.hpp"
#include "guest/scrub.hpp"
#include "model/domain.hpp"
#include "model/finding.hpp"
#include "model/guest_facts.hpp"
#include "model/guest_survey.hpp"
#include "model/id_change.hpp"
#include "model/layout.hpp"
#include "model/progress.hpp"

namespace vmconvert::guest {

enum class Accelerator { kvm, tcg };

struct ApplianceDisk {
  std::string name;            // on the target: vda, vdb..., in this order
  std::filesystem::path path;  // the overlay
  model::DiskFormat format = model::DiskFormat::qcow2;
  bool readonly = false;
};

struct ApplianceOptions {
  std::vector<ApplianceDisk> disks;
  Accelerator accelerator = Accelerator::tcg;
  ByteCount memory = {1280 * k_mib};
  // From the machine's start to its readiness. Default: 60 s with KVM, 20 min without.
  std::optional<std::chrono::seconds> launch_limit = {};
  std::filesystem::path scratch;     // a folder for our temporary files; may be missing yet
  std::filesystem::path cache = {};  // keeps the appliance from run to run; empty: the scratch
  model::ProgressSink progress = {};
};

// The machine did not start: under KVM, worth another try without.
class LaunchError : public Error {
 public:
  using Error::Error;
};
// It was started and did not become ready in time.
class LaunchTimeout : public LaunchError {
 public:
  using LaunchError::LaunchError;
};

class Appliance {
 public:
  // Starts it. LaunchError, LaunchTimeout; Error(not_found) if this host has no kernel for it.
  explicit Appliance(ApplianceOptions options);
  Appliance(Appliance&&) noexcept;
  Appliance& operator=(Appliance&&) = delete;
  ~Appliance();  // without close(): ends the machine at once, what was written may be lost

  // Finds the guest's root and mounts all that its fstab says, for writing. Once.
  model::GuestFacts inspect(const std::vector<model::DeviceRename>& renames, const RootHint& hint);
  // What only the checks want to know; after inspect(), before anything is changed.
  model::GuestSurvey survey();
  // Gives filesystems and tables their new ids: for that all is unmounted, and mounted again as it
  // was. After survey(). What could not be changed is taken out of `changes`, and told.
  model::Findings renew_ids(const model::Layout& layout, model::IdChanges& changes);
  // Names that the disks go by besides their own, in their order: those that the guest will see.
  void also_call_disks(std::vector<std::string> names);
  // The mounted guest; after inspect().
  GuestRoot& root();
  // What was odd but did no harm: "line 4 of /etc/fstab: /dev/xvdc1 is not there".
  [[nodiscard]] const std::vector<std::string>& notes() const;

  // Tells the overlays which blocks no filesystem uses. Failures become notes.
  void trim();
  // After trim(): overwrites what was deleted, and swap. Nothing is mounted afterwards.
  Scrubbed scrub(const model::GuestFacts& facts, const model::Layout& layout);
  // Unmounts, writes everything back, shuts down. Error if a byte may not have arrived.
  void close();

  // The machine's latest messages.
  [[nodiscard]] std::string log() const;

 private:
  struct State;
  std::unique_ptr<State> m_state;
};

}  // namespace vmconvert::guest
