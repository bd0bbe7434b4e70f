// Runs fixers over a guest: the host's side of vmconvert/fixer.h.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/subprocess.hpp"
#include "guest/fixer_loader.hpp"
#include "guest/staged_root.hpp"
#include "model/edit.hpp"
#include "model/finding.hpp"
#include "model/progress.hpp"

namespace vmconvert::guest {

// What fixers may use of the hypervisor host; nothing else of it.
struct FixerOptions {
  std::vector<std::string> host_tools = {"grub-mkimage"};  // names of programs, without a folder
  std::chrono::milliseconds host_tool_limit = std::chrono::seconds(60);
  // Files, and folders with all that is in them: GRUB's modules, the kernel and initrd of a guest
  // that keeps them outside.
  std::vector<std::filesystem::path> host_files = {"/usr/lib/grub"};
};

// A program of the guest that is to run once the staged changes are applied.
struct DeferredRun {
  std::string fixer;
  std::vector<std::string> argv;
  std::string why;
  bool must_succeed = true;
};

// A value that should be nowhere once all is applied: see guest/search.hpp.
struct WatchedValue {
  std::string value;
  model::Finding finding;
};

struct FixerRun {
  model::Findings findings;
  std::vector<DeferredRun> runs;  // in the order in which they were asked for
  std::vector<WatchedValue> watched;
  std::vector<std::string> log;  // "fstab: message"
  model::Edits edits;            // of files and disks, then one for each deferred run
};

// Runs each fixer once, in the order given; their changes are staged in `root`. A fixer that fails
// ends the run: Error(bad_input) with its name and its last message.
FixerRun run_fixers(const std::vector<LoadedFixer>& fixers, StagedRoot& root,
                    const std::string& facts_json, CommandRunner& host_commands,
                    const FixerOptions& options = {});

// Carries out the deferred runs, after StagedRoot::apply(), on a root that can run programs. One
// that must succeed and fails: Error(tool_failed) with its last lines. Others become findings that
// warn.
model::Findings run_deferred(const std::vector<DeferredRun>& runs, GuestRoot& root,
                             const model::ProgressSink& progress = {});

}  // namespace vmconvert::guest
