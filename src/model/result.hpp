// What became of a run: the summary that people read and the object that --json prints.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/edit.hpp"
#include "model/extent.hpp"
#include "model/finding.hpp"

namespace vmconvert::model {

struct Stage {
  std::string name;
  double seconds = 0;
};

struct TrialOutcome {
  bool booted = false;
  double seconds = 0;
  std::string evidence;  // the console line that proved it, or the likely cause of the failure
  std::vector<std::string> last_lines;
  std::string console_log;  // path of the whole console output
};

// One link of the walk from boot sector to init.
struct BootLink {
  std::string name;
  bool ok = false;
  std::string what;  // the evidence, or what is missing
};

enum class RunState { planned, checked, tried, converted, refused, failed, interrupted };
const char* to_string(RunState state);

// A program of the site's that was run.
struct HookOutcome {
  std::string when;  // before-copy
  std::string program;
  int exit_code = 0;
  double seconds = 0;
  std::string said;  // its last lines
};

struct RunResult {
  std::string job;
  std::string guest;
  RunState state = RunState::planned;
  std::vector<DiskResult> disks;
  Edits edits;
  Findings findings;
  std::vector<Stage> stages;
  std::vector<HookOutcome> hooks;
  std::optional<TrialOutcome> trial;
  std::vector<BootLink> boot_path;  // walked in the patched image
  std::string domain_xml_path;      // empty while none was written
  std::string defined_on;           // libvirt URI; empty when it was not defined
  std::string error;                // why it failed; empty else
};

}  // namespace vmconvert::model
