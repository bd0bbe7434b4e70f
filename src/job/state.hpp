// What a conversion knows so far. Private to job/: the parts of the story share it.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "disk/source.hpp"
#include "disk/source_mark.hpp"
#include "domain/rewrite.hpp"
#include "host/accelerator.hpp"
#include "job/conversion.hpp"
#include "job/journal.hpp"
#include "job/new_identity.hpp"
#include "job/place.hpp"
#include "job/recorder.hpp"
#include "job/request.hpp"
#include "job/source.hpp"
#include "job/source_snapshots.hpp"
#include "job/source_state.hpp"
#include "job/workspace.hpp"
#include "model/check_facts.hpp"
#include "model/disk_facts.hpp"
#include "model/hardware.hpp"
#include "model/job_report.hpp"
#include "model/plan.hpp"
#include "model/result.hpp"

namespace vmconvert::job {

struct Conversion::State {
  Request request;
  Tools tools;
  model::RunResult result = {};

  // read_source()
  std::optional<SourceBefore> source_before = {};
  OpenedSource source = {};       // with the operator's adjustments
  std::string original_xml = {};  // without them; empty: as the source's
  std::string name = {};          // of the new domain
  std::string target_uri = {};
  std::vector<std::string> domain_types = {};  // that the target offers, once it was asked
  std::optional<Place> place = {};             // set while a storage target is named
  std::unique_ptr<Workspace> workspace = {};
  std::optional<Journal> journal = {};  // of a job that makes something
  bool can_go_on = false;               // what a later process needs is saved
  std::vector<Lock> locks = {};
  // Removed when all that reads them below is closed.
  std::optional<SourceSnapshots> snapshots = {};
  std::vector<disk::SourceMark> marks = {};       // as the sources were before they were read
  std::vector<model::DiskFacts> disk_facts = {};  // parallel to source.domain.disks
  model::DescribedDevices described = {};
  std::vector<model::DiskCondition> conditions = {};  // parallel to source.domain.disks
  model::Layout layout = {};

  // The lost sectors of each source, by its path, where they are to be mapped.
  std::map<std::filesystem::path, std::unique_ptr<disk::BadSectors>> bad_sectors = {};

  // patch()
  NewIdentity identity = {};
  host::Accelerator accelerator = {};
  std::vector<disk::DiskSource> disks = {};  // parallel to layout.disks
  std::vector<std::filesystem::path> overlays = {};
  model::GuestFacts guest = {};
  model::Hardware hardware = {};  // of the new machine
  std::vector<std::vector<model::Extent>> extents = {};
  std::vector<std::vector<model::Extent>> extents_before = {};  // of a job that is patched anew
  std::vector<std::vector<model::AllocationNote>> allocation = {};
  std::string saved_domain_xml = {};  // of a job that goes on; empty: still to be made

  // What is kept for the job's report; shared with whoever still reports when this is gone.
  std::shared_ptr<Recorder> recorder = std::make_shared<Recorder>();
  std::optional<model::JobReport> report_so_far = {};

  State(Request the_request, Tools the_tools)
      : request(std::move(the_request)), tools(std::move(the_tools)) {
    tools.progress = [shown = std::move(tools.progress),
                      kept = recorder](const model::Progress& progress) {
      kept->see(progress);
      if (shown) {
        shown(progress);
      }
    };
  }

  void report(const char* stage, const std::string& what) const {
    if (tools.progress) {
      tools.progress({stage, what, {}, {}});
    }
  }
  // Of the image or volume that a target disk becomes; empty without a place for it.
  [[nodiscard]] std::filesystem::path disk_path(const model::TargetDisk& disk) const {
    return place ? place->disk_path(name, disk.name) : std::filesystem::path();
  }
  // Of the new description: in the place's folder, else beside the job.
  [[nodiscard]] std::filesystem::path xml_path() const {
    return place->xml_path(name).value_or(workspace->keep() / (name + ".xml"));
  }
  // pv, where a blueprint's type makes another one of it.
  [[nodiscard]] model::VirtKind source_kind() const;
  // A Xen HVM guest, which was PV or PVH: its disk has to start by itself now.
  [[nodiscard]] bool becomes_hvm() const;
  // On its bus in the new machine.
  [[nodiscard]] std::string target_name(const model::TargetDisk& disk) const;
  // As the new description names it.
  [[nodiscard]] domain::RewriteDisk rewritten(const model::TargetDisk& disk) const;
  // Findings of a later look; what the operator accepted is marked again over all of them.
  void add_findings(model::Findings findings);
  void run_hooks(model::HookPoint when, const std::string& error = {});
  void run_hook(const model::Hook& hook, const std::string& error = {});
  void keep_source_before() const;
  // Not where the operator knows that the sources are in use, and accepted it.
  [[nodiscard]] bool watches_sources() const;
  // Error(refused) when somebody writes to a source, or it is gone.
  void require_sources_unchanged() const;
  // Whatever reads the sources. An error of a snapshot that overflowed is told as that; Error(io)
  // also where nobody noticed it.
  void while_reading(const std::function<void()>& read) const;
  // All that reads them is closed first. Only a warning where it cannot be done.
  void remove_snapshots();
  [[nodiscard]] bool defines() const { return request.storage.has_value() && request.define; }
  [[nodiscard]] bool needs_connection() const {
    return defines() ||
           (request.storage && std::holds_alternative<model::PoolTarget>(*request.storage));
  }
};

// Adds a stage with its time to the result when it ends.
class StageTimer {
 public:
  StageTimer(model::RunResult& result, std::string name)
      : m_result(result), m_name(std::move(name)), m_start(std::chrono::steady_clock::now()) {}
  StageTimer(const StageTimer&) = delete;
  StageTimer& operator=(const StageTimer&) = delete;
  ~StageTimer() {
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - m_start;
    m_result.stages.push_back({m_name, took.count()});
  }

 private:
  model::RunResult& m_result;
  std::string m_name;
  std::chrono::steady_clock::time_point m_start;
};

}  // namespace vmconvert::job
