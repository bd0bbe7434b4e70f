// The command line: one table of commands, one of options. Parser, help, completion and the test of
// the manual pages are all made from them.
#pragma once

#include <CLI/App.hpp>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cli/progress_view.hpp"
#include "job/request.hpp"

namespace vmconvert::cli {

struct SettingOrigin {
  std::string value;  // as config shows it
  std::string from;   // "/etc/vmconvert/vmconvert.toml, line 3"; empty: the default
};

struct Options {
  std::string source;
  std::string job;
  std::vector<std::string> operands;  // of a command with words of its own
  std::string blueprint;
  model::Adjustments adjustments;  // from the blueprint alone, as the hooks
  std::vector<model::Hook> hooks;
  std::vector<std::string> kernel_packages;
  std::string connect;
  std::string to = "kvm";
  std::string dir;
  std::string vg;
  std::string thin_pool;
  std::string pool;
  std::string format = "raw";
  std::string checksum = "xxh3";
  std::string bad_sectors = "stop";
  std::string snapshot;
  std::uint64_t rate_limit = 0;
  std::string name;
  std::string target;
  std::string root;
  std::string bundle;
  std::string action;  // of the command bundle: missing, verify
  std::string recipients;
  std::string key;
  std::string expected_root;
  int level = 1;
  std::string stylesheet;
  std::string state_dir;
  std::string checks_dir;
  std::string progress = "auto";
  std::vector<std::string> accept;
  std::string identity = "move";
  std::vector<std::string> identity_keep;
  std::vector<std::string> identity_reset;
  bool new_uuids = false;
  bool scrub = false;
  std::vector<std::string> address;  // OLD=NEW[/PREFIX]
  std::vector<std::string> gateway;
  std::vector<std::string> dns;
  std::string hostname;
  unsigned trial_limit = 0;
  bool trial = false;
  bool no_define = false;
  bool start = false;
  bool dry_run = false;
  bool record = false;          // no option: set by the command that makes something
  bool no_site_checks = false;  // likewise, by the one that shows no findings
  bool json = false;
  bool trial_only = false;
  bool any_time = false;
  bool wait = false;
  bool watch = false;
  bool quiet = false;
  int verbose = 0;
  bool example = false;
  std::string output;
  std::string metrics;
  std::string restore_source = "hooks";
  std::string redo;          // of resume: define
  std::uint64_t memory = 0;  // bytes; 0: as it is. Of a redo, as the two below; else a blueprint's
  unsigned vcpus = 0;
  std::vector<std::string> bridge;  // OLD=NEW
  std::string shell = "bash";
  // Folders of the site's fixers: no option, a setting.
  std::vector<std::string> fixers = {"/etc/vmconvert/fixers"};
  // What the settings were before the command line, and where from: for the command config.
  std::map<std::string, SettingOrigin> settings;
};

enum class Operand {
  none,
  source,
  job,
  shell,
  words,
  source_and_bundle,
  bundle,
  action_and_bundle
};

struct CommandEntry {
  const char* name;
  const char* summary;
  const char* options;  // the words of option_table() that it takes, separated by blanks
  Operand operand;
  int (*run)(const Options& options, ProgressView& view);
};
const std::vector<CommandEntry>& command_table();

// Those of the table in options.cpp that `wanted` names, separated by blanks.
void add_options(CLI::App& app, const std::string& wanted, Options& options);

// The parser with every command; `chosen` is set to the command that was given.
std::unique_ptr<CLI::App> make_parser(Options& options, const CommandEntry*& chosen);

ProgressMode progress_mode(const Options& options, bool is_terminal);
// Error(usage) for combinations that make no sense.
job::Request to_request(const Options& options);

}  // namespace vmconvert::cli
