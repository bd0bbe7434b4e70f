// A conversion from the first look to the defined domain. The order of the calls is the story:
//   read_source, patch (or look_inside), make_plan, carry_out.
// Everything before carry_out writes only below the state folder, and all of that goes with the
// object. carry_out undoes what it did when it throws.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "job/journal.hpp"
#include "job/request.hpp"
#include "model/plan.hpp"
#include "model/result.hpp"

namespace vmconvert::guest {
class Appliance;
struct BootPath;
}  // namespace vmconvert::guest
namespace vmconvert::disk {
struct AllocationMap;
struct RedoAmount;
}  // namespace vmconvert::disk
namespace vmconvert::host {
struct TargetLook;
}

namespace vmconvert::job {

struct SavedPlan;
struct KeptDefinition;
struct ExportTarget;
struct ExportOutcome;

class Conversion {
 public:
  Conversion(Request request, Tools tools);
  Conversion(const Conversion&) = delete;
  Conversion& operator=(const Conversion&) = delete;
  ~Conversion();

  // Description, disks from outside, layout, host; and the target's place where one is named.
  // Takes seconds: no appliance. Adds findings.
  void read_source();

  // One appliance run that only looks.
  void look_inside();
  // One appliance run on an overlay: inspect, fix, walk the boot path, trim.
  void patch();

  // After read_source(), instead of all that follows: the disks as they are, into a bundle.
  ExportOutcome export_bundle(const ExportTarget& target);

  [[nodiscard]] model::Plan make_plan();
  // Error(refused) naming each finding that blocks and is not accepted; Error(usage) for accepted
  // ids that nothing was found for.
  void refuse_if_blocked();

  // The plan's steps, in order, from the first that is not done. Without a storage target there is
  // no journal, and nothing to go on with.
  void carry_out(const model::Plan& plan);

  // A job that was interrupted or killed, as it was: its request, its overlays, its plan. Nothing
  // where it had not come to its plan yet: then the story starts from read_source(). Error(busy) if
  // its process lives, Error(usage) if it is finished.
  static std::unique_ptr<Conversion> reopen(const std::filesystem::path& state_dir,
                                            const std::string& job, Tools tools,
                                            std::optional<model::Plan>& plan);

  // A finished job whose guest is to be patched anew, with other wishes if there are any: as
  // read_source() leaves one. patch() comes next, then prepare_patch(), which writes down what is
  // to be written and marks the job as interrupted; redo_patch.hpp writes it. Error(refused) if
  // the new domain runs, Error(usage) for a job that is not done.
  static std::unique_ptr<Conversion> reopen_done(const std::filesystem::path& state_dir,
                                                 const std::string& job, const PatchWishes& wishes,
                                                 Tools tools);
  std::vector<disk::RedoAmount> prepare_patch();

  // After patch(): boots the guest from its overlays. Error(trial_failed) if it does not come up.
  // `log_name`: of the console's text, beside what is kept of the job.
  void boot_trial(const model::BootTrial& step, const std::string& log_name);
  // With the limit that was asked for, or that of the accelerator.
  [[nodiscard]] model::BootTrial trial_step() const;

  // To be told of the error that ends the conversion: takes back what was made, or keeps what a
  // later process needs to go on. Returns what to do next, for people; may be empty.
  std::string ended_by(const Error& error);

  [[nodiscard]] const model::Domain& domain() const;
  [[nodiscard]] const model::Layout& layout() const;
  [[nodiscard]] const model::GuestFacts& guest() const;
  [[nodiscard]] model::RunResult& result();

 private:
  struct State;
  class Carrier;

  [[nodiscard]] std::string settle(const Error& error);
  void begin_job();
  void finish_job(const model::Plan& plan);
  void keep_what_was_defined(const model::Plan& plan) const;
  void end_of_work();
  void save_plan(const model::Plan& plan);
  void begin_report(const model::Plan& plan);
  void keep_report(const std::string& ended, const std::string& problem);
  void reopen_report();
  [[nodiscard]] std::vector<StepRecord> journal_steps(const model::Plan& plan);
  void open_job(const std::string& job);
  void look_at_source();
  void read_through_snapshots();
  void look_again(const KeptDefinition& kept);
  void reopen_overlays();
  [[nodiscard]] model::Plan reopen_plan(const SavedPlan& saved);
  void check_description();
  void check_disks();
  void check_by_site(const model::GuestFacts* guest);
  void check_target();
  void check_target_host(const host::TargetLook& look);
  void open_overlays();
  [[nodiscard]] ExportOutcome write_bundle(const ExportTarget& target);
  void look_in_appliance();
  void patch_in_appliance();
  void install_packages(guest::Appliance& appliance);
  void fix_guest(guest::Appliance& appliance);
  void check_pvh_kernel(guest::Appliance& appliance, const guest::BootPath& path);
  [[nodiscard]] std::vector<disk::AllocationMap> read_free_space() const;
  void read_extents();
  void check_room();
  [[nodiscard]] guest::Appliance launch();
  [[nodiscard]] std::string virt_type() const;
  [[nodiscard]] std::string make_domain_xml() const;
  [[nodiscard]] std::vector<model::Step> make_steps(const model::Plan& plan) const;
  std::unique_ptr<State> m_state;
};

}  // namespace vmconvert::job
