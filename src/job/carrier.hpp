// Carries out a plan's steps. Private to job/: carry_out.cpp has the order and most kinds of steps,
// copy_step.cpp the copies.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "disk/block_reader.hpp"
#include "disk/manifest.hpp"
#include "job/conversion.hpp"
#include "job/made.hpp"
#include "job/state.hpp"
#include "job/target_disk.hpp"

namespace vmconvert::job {

// One visitor for all kinds of steps: a new kind does not compile until it is here.
class Conversion::Carrier {
 public:
  // `steps`: what the journal says of each; all pending for a job that begins.
  Carrier(Conversion& owner, const model::Plan& plan, std::vector<StepRecord> steps)
      : m_owner(owner), m_state(*owner.m_state), m_plan(plan), m_steps(std::move(steps)) {}

  // From the first step that is not done to the last.
  void run();

  void operator()(const model::BootTrial& step);
  void operator()(const model::CreateImage& step);
  void operator()(const model::CreateVolume& step);
  void operator()(const model::CopyDisk& step);
  void operator()(const model::VerifyDisk& step);
  void operator()(const model::RefreshPool& step);
  void operator()(const model::WriteDomainXml& step);
  void operator()(const model::DefineDomain& step);
  void operator()(const model::StartDomain& step);
  void operator()(const model::RunHook& step);

 private:
  struct OpenCopy;

  // One step. If it was done before, it only takes up what the later ones need.
  void carry_out(std::size_t index);
  // The copies from this step on, all at once. Returns how many.
  std::size_t carry_out_copies(std::size_t first);
  [[nodiscard]] disk::BadSectors* bad_sectors_of(const std::filesystem::path& source,
                                                 const std::string& what, ByteCount size);
  void tell_of_bad_sectors();
  void copy(const std::vector<std::unique_ptr<OpenCopy>>& copies);
  [[nodiscard]] std::unique_ptr<OpenCopy> open_copy(const model::CopyDisk& step);
  void begin_step(std::size_t index);
  void finish_step(std::size_t index);
  void point(const char* where) const;
  [[nodiscard]] std::size_t index_of(const std::string& disk) const;
  disk::Manifest& manifest_of(const std::string& disk);
  [[nodiscard]] bool was_copied(const std::string& disk);
  void note(const Made& made);
  [[nodiscard]] const std::string& made_before() const { return m_steps.at(m_current).made; }
  [[nodiscard]] bool done_before() const { return m_steps.at(m_current).state == StepState::done; }
  void prepare_manifest(const model::CopyDisk& step, std::size_t index, disk::BlockReader& source,
                        disk::BlockReader* overlay);

  Conversion& m_owner;
  State& m_state;
  const model::Plan& m_plan;
  std::vector<StepRecord> m_steps;
  std::size_t m_current = 0;
  std::map<std::string, TargetDisk> m_disks;
  std::map<std::string, disk::Manifest> m_manifests;
};

}  // namespace vmconvert::job
