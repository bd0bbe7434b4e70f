// Which commands there are, which options each takes, and the parser that comes of it.
#include <CLI/CLI.hpp>

#include "cli/commands.hpp"
#include "cli/options.hpp"

namespace vmconvert::cli {
namespace {

constexpr const char* k_common = "state-dir progress verbose quiet";

}  // namespace

const std::vector<CommandEntry>& command_table() {
  static const std::vector<CommandEntry> k_commands = {
      {"list", "guests that could be converted, with disks and sizes", "connect json",
       Operand::none, run_list},
      {"inspect", "what is inside a guest", "connect snapshot root json", Operand::source,
       run_inspect},
      {"check", "what stands in the way; exit 3 if something blocks",
       "connect snapshot blueprint to dir vg thin-pool pool format name target root identity "
       "address accept checks-dir json",
       Operand::source, run_check},
      {"plan", "the exact plan: layout, edits and domain XML as diffs, bytes to move",
       "connect snapshot blueprint to dir vg thin-pool pool format name target no-define trial "
       "trial-limit start root "
       "identity address accept checks-dir template json",
       Operand::source, run_plan},
      {"trial", "patch an overlay, boot it, say whether it reached its prompt; copies nothing",
       "connect snapshot blueprint to trial-limit root identity address accept checks-dir json",
       Operand::source, run_trial},
      {"convert", "the main job: patch, try, copy, verify, define",
       "connect snapshot blueprint to dir vg thin-pool pool format name target no-define trial "
       "trial-limit start "
       "rate-limit bad-sectors checksum dry-run root identity address accept checks-dir template "
       "metrics json",
       Operand::source, run_convert},
      {"export", "write a guest's disks and description into a bundle, to be carried elsewhere",
       "connect snapshot accept level blueprint encrypt-to key json", Operand::source_and_bundle,
       run_export},
      {"import", "convert a guest from a bundle",
       "key expect to dir vg thin-pool pool format name target no-define trial trial-limit "
       "start rate-limit checksum dry-run root identity address accept checks-dir template metrics "
       "json",
       Operand::bundle, run_import},
      {"bundle", "what of a bundle has not arrived, and whether all of it is right", "expect json",
       Operand::action_and_bundle, run_bundle},
      {"jobs", "conversions that ended, and those that did not", "json", Operand::none, run_jobs},
      {"status", "what a job did and made, step by step", "json", Operand::job, run_status},
      {"resume", "go on with an interrupted job, or redo a part of a finished one",
       "redo name target template start trial trial-limit identity address accept metrics json",
       Operand::job, run_resume},
      {"undo", "take back what a job made, and nothing else", "restore-source metrics",
       Operand::job, run_undo},
      {"verify", "read a job's disks again and compare them with what was copied", "json",
       Operand::job, run_verify},
      {"forget", "remove the record of a finished job", "", Operand::job, run_forget},
      {"batch", "convert many guests (FILE...); see and change what is known of them",
       "trial-only any-time wait watch json", Operand::words, run_batch},
      {"blueprint", "write a blueprint for SOURCE (new SOURCE), or find its mistakes (check FILE)",
       "connect root", Operand::words, run_blueprint},
      {"report", "a job (JOB) or a batch (its name) as one HTML file", "output", Operand::job,
       run_report},
      {"xl-config", "print a Xen guest's description as the configuration that xl starts",
       "connect", Operand::source, run_xl_config},
      {"config", "settings: their values, and where each came from", "example json", Operand::none,
       run_config},
      {"completion", "print a completion script for bash, zsh or fish", "", Operand::shell,
       run_completion},
  };
  return k_commands;
}

std::unique_ptr<CLI::App> make_parser(Options& options, const CommandEntry*& chosen) {
  auto app = std::make_unique<CLI::App>(
      "Converts Xen guests to KVM (or to another Xen): patches them on an overlay, proves that "
      "they "
      "boot, then copies what is needed. The source is never written to.",
      "vmconvert");
  app->set_version_flag("--version", "vmconvert " VMCONVERT_VERSION);
  app->require_subcommand(1);
  app->failure_message(CLI::FailureMessage::simple);
  for (const CommandEntry& command : command_table()) {
    CLI::App* sub = app->add_subcommand(command.name, command.summary);
    if (command.operand == Operand::job) {
      sub->add_option("JOB", options.job, "id of a job, or an end of it that no other job has")
          ->required();
    }
    if (command.operand == Operand::words) {
      sub->add_option("WORDS", options.operands, "see the manual page")->required();
    }
    if (command.operand == Operand::action_and_bundle) {
      sub->add_option("ACTION", options.action, "missing, or verify")
          ->required()
          ->check(CLI::IsMember({"missing", "verify"}));
    }
    if (command.operand == Operand::source || command.operand == Operand::source_and_bundle) {
      sub->add_option(
             "SOURCE", options.source,
             "domain XML file (*.xml), xl/xm configuration (*.cfg), folder of a bundle, or "
             "with -c a domain's name")
          ->required();
    }
    if (command.operand == Operand::shell) {
      sub->add_option("SHELL", options.shell, "the shell that it is for")
          ->check(CLI::IsMember({"bash", "zsh", "fish"}))
          ->capture_default_str();
    }
    if (command.operand == Operand::source_and_bundle || command.operand == Operand::bundle ||
        command.operand == Operand::action_and_bundle) {
      sub->add_option("BUNDLE", options.bundle, "folder of a bundle; -: as a stream")->required();
    }
    add_options(*sub, command.options, options);
    if (command.run != run_completion) {
      add_options(*sub, k_common, options);
    }
    sub->callback([&chosen, &command] { chosen = &command; });
  }
  app->footer(
      "Exit codes: 0 done, 1 failed and undone, 2 usage, 3 refused by a check, 4 trial failed,\n"
      "5 verification found a difference, 6 interrupted, 75 busy.");
  return app;
}

ProgressMode progress_mode(const Options& options, bool is_terminal) {
  if (options.quiet || options.progress == "none") {
    return ProgressMode::none;
  }
  if (options.progress == "json") {
    return ProgressMode::json;
  }
  if (options.progress == "bar" || is_terminal) {
    return ProgressMode::bar;
  }
  return ProgressMode::lines;
}

}  // namespace vmconvert::cli
