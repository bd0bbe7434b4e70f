// What the operator asked for, and the parts that a job works with.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/subprocess.hpp"
#include "disk/bad_sectors.hpp"
#include "model/adjustments.hpp"
#include "model/checksum.hpp"
#include "model/plan.hpp"
#include "model/progress.hpp"
#include "model/snapshot_size.hpp"
#include "model/wishes.hpp"

namespace vmconvert::job {

// A domain XML file (*.xml), an xl/xm configuration (*.cfg), or with a URI the name of a domain.
struct SourceSpec {
  std::string text;
  std::string uri;  // empty: `text` is a file
};

struct Request {
  SourceSpec source;
  model::TargetHypervisor to = model::TargetHypervisor::kvm;
  std::optional<model::StorageTarget> storage;  // nothing: only look, or try
  std::string name;                             // of the new domain; empty: as the source
  std::string root_device;                      // --root: which root of several
  std::vector<std::string> accepted;            // findings that the operator has read
  model::HashKind hash = model::HashKind::xxh3_128;
  std::uint64_t rate_limit = 0;  // bytes a second that a copy reads; 0: no limit
  disk::OnBadSector on_bad_sector = disk::OnBadSector::stop;
  std::optional<model::SnapshotSize> snapshot = {};  // read the disks through snapshots of them
  bool trial = false;
  unsigned trial_limit_seconds = 0;  // 0: by accelerator
  bool define = true;
  bool start = false;
  std::string target_uri;  // empty: qemu:///system, or an embedded driver where no daemon runs
  std::filesystem::path stylesheet;  // --template; empty: ours
  model::Adjustments adjustments;
  std::vector<model::Hook> hooks;
  std::filesystem::path state_dir;
  model::Wishes wishes = {};
  std::filesystem::path site_checks;  // a folder of programs; empty: none are run
  bool record = false;                // in the journal: it is meant to make something
};

// Of a finished job's guest that is patched anew.
struct PatchWishes {
  std::optional<model::Wishes> inside = {};  // nothing: those that the job began with
  std::vector<std::string> accepted = {};    // besides the job's own
  bool trial = false;                        // boot it before anything is written
  unsigned trial_limit_seconds = 0;          // 0: by accelerator
};

struct Tools {
  CommandRunner& commands;
  model::ProgressSink progress;
  std::filesystem::path templates;
  std::vector<std::filesystem::path> fixers;  // folders; a later one replaces by name
  std::filesystem::path nbdkit_plugin;
  std::string version;                      // of this program
  std::filesystem::path allocation_reader;  // a program; without it all counts as used
  // Told of each moment of a step: "before 3", "begun 3", "noted 3", "made 3", "after 3". Only the
  // tests' own programs set it, to die there.
  std::function<void(const std::string&)> at_point = {};
};

}  // namespace vmconvert::job
