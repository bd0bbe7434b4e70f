#include "cli/options.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"
#include "cli/address_options.hpp"
#include "cli/commands.hpp"
#include "cli/paths.hpp"
#include "job/site_checks.hpp"

namespace vmconvert::cli {
namespace {

// One row an option: what CLI11 needs to know of it.
struct OptionEntry {
  const char* word;
  void (*add)(CLI::App& app, Options& options);
};

// A group of the identity that the appliance renews, not the fixer: the same as --new-uuids.
constexpr const char* k_disks = "disks";
constexpr const char* k_common = "state-dir progress verbose quiet";

const std::vector<OptionEntry>& option_table() {
  static const std::vector<OptionEntry> k_options = {
      {"connect",
       [](CLI::App& app, Options& o) {
         app.add_option("-c,--connect", o.connect, "libvirt connection that SOURCE is a domain of")
             ->type_name("URI");
       }},
      {"blueprint",
       [](CLI::App& app, Options& o) {
         app.add_option("-b,--blueprint", o.blueprint,
                        "file with the wishes for this guest; options win over it")
             ->type_name("FILE");
       }},
      {"to",
       [](CLI::App& app, Options& o) {
         app.add_option("--to", o.to, "hypervisor of the new domain")
             ->check(CLI::IsMember({"kvm", "xen"}))
             ->capture_default_str();
       }},
      {"dir",
       [](CLI::App& app, Options& o) {
         app.add_option("--dir", o.dir, "folder for the new disks and the domain XML")
             ->type_name("DIR");
       }},
      {"vg",
       [](CLI::App& app, Options& o) {
         app.add_option("--vg", o.vg, "volume group for the new disks, as logical volumes")
             ->type_name("VG");
       }},
      {"thin-pool",
       [](CLI::App& app, Options& o) {
         app.add_option("--thin-pool", o.thin_pool, "make thin volumes in this pool of the group")
             ->type_name("POOL");
       }},
      {"pool",
       [](CLI::App& app, Options& o) {
         app.add_option("--pool", o.pool, "libvirt storage pool (dir, fs or logical) for the disks")
             ->type_name("POOL");
       }},
      {"rate-limit",
       [](CLI::App& app, Options& o) {
         app.add_option("--rate-limit", o.rate_limit,
                        "bytes a second that a copy reads at most (50M; default: no limit)")
             ->type_name("BYTES")
             ->transform(CLI::AsSizeValue(false));
       }},
      {"bad-sectors",
       [](CLI::App& app, Options& o) {
         app.add_option("--bad-sectors", o.bad_sectors,
                        "where the source cannot be read: stop, or go on with zeros and a map")
             ->check(CLI::IsMember({"stop", "map"}))
             ->capture_default_str();
       }},
      {"checksum",
       [](CLI::App& app, Options& o) {
         app.add_option("--checksum", o.checksum,
                        "xxh3 finds corruption; sha256 also what somebody forged")
             ->check(CLI::IsMember({"xxh3", "sha256"}))
             ->capture_default_str();
       }},
      {"format",
       [](CLI::App& app, Options& o) {
         app.add_option("--format", o.format, "format of the new disks")
             ->check(CLI::IsMember({"raw", "qcow2"}))
             ->capture_default_str();
       }},
      {"name",
       [](CLI::App& app, Options& o) {
         app.add_option("--name", o.name, "name of the new domain, instead of the source's")
             ->type_name("NAME");
       }},
      {"target",
       [](CLI::App& app, Options& o) {
         app.add_option(
                "-t,--target", o.target,
                "libvirt connection to define the new domain on (default: qemu:///system, or "
                "an embedded driver in the state folder where no daemon runs)")
             ->type_name("URI");
       }},
      {"no-define",
       [](CLI::App& app, Options& o) {
         app.add_flag("--no-define", o.no_define, "write disks and XML only");
       }},
      {"trial",
       [](CLI::App& app, Options& o) {
         app.add_flag("--trial", o.trial, "boot the patched guest before a byte is copied");
       }},
      {"trial-limit",
       [](CLI::App& app, Options& o) {
         app.add_option("--trial-limit", o.trial_limit,
                        "seconds that a trial may take (default: 300, under emulation 600)")
             ->type_name("SECONDS")
             ->check(CLI::Range(1U, 86400U));
       }},
      {"start",
       [](CLI::App& app, Options& o) {
         app.add_flag("--start", o.start, "start the new domain when it is defined");
       }},
      {"dry-run",
       [](CLI::App& app, Options& o) {
         app.add_flag("-n,--dry-run", o.dry_run,
                      "show the plan and stop, as the command plan does");
       }},
      {"trial-only",
       [](CLI::App& app, Options& o) {
         app.add_flag("--trial-only", o.trial_only, "check and try all guests, copy nothing");
       }},
      {"any-time",
       [](CLI::App& app, Options& o) {
         app.add_flag("--any-time", o.any_time, "begin also outside the batch's windows");
       }},
      {"wait",
       [](CLI::App& app, Options& o) {
         app.add_flag("--wait", o.wait, "stay through the windows until all guests are done");
       }},
      {"watch",
       [](CLI::App& app, Options& o) {
         app.add_flag("--watch", o.watch, "with status: a live view while guests are converted");
       }},
      {"json",
       [](CLI::App& app, Options& o) {
         app.add_flag("--json", o.json, "print one JSON object instead of text");
       }},
      {"metrics",
       [](CLI::App& app, Options& o) {
         app.add_option("--metrics", o.metrics,
                        "file to write this host's jobs to, in Prometheus' text format")
             ->type_name("FILE");
       }},
      {"restore-source",
       [](CLI::App& app, Options& o) {
         app.add_option("--restore-source", o.restore_source,
                        "start the source again and set its autostart as it was: where the job's "
                        "hooks changed it, whoever did, or not at all")
             ->check(CLI::IsMember({"hooks", "all", "none"}))
             ->capture_default_str();
       }},
      {"redo",
       [](CLI::App& app, Options& o) {
         app.add_option("--redo", o.redo,
                        "of a finished job: make the definition anew, or patch the guest anew and "
                        "write what differs, without a copy")
             ->check(CLI::IsMember({"define", "patch"}));
         app.add_option("--memory", o.memory, "with --redo define: memory of the new domain (2GiB)")
             ->type_name("SIZE")
             ->transform(CLI::AsSizeValue(false));
         app.add_option("--vcpus", o.vcpus, "with --redo define: processors of the new domain")
             ->type_name("N")
             ->check(CLI::Range(1U, 4096U));
         app.add_option("--bridge", o.bridge,
                        "with --redo define: connect to this bridge or network in place of the old "
                        "host's (repeatable)")
             ->type_name("OLD=NEW")
             ->expected(1)
             ->take_all();
       }},
      {"output",
       [](CLI::App& app, Options& o) {
         app.add_option("-o,--output", o.output, "file to write; - or nothing: standard output")
             ->type_name("FILE");
       }},
      {"example",
       [](CLI::App& app, Options& o) {
         app.add_flag("--example", o.example,
                      "print a configuration file with every setting explained");
       }},
      {"accept",
       [](CLI::App& app, Options& o) {
         app.add_option("--accept", o.accept,
                        "go on in spite of the finding with this id (repeatable)")
             ->type_name("ID")
             ->expected(1)
             ->take_all();
       }},
      {"identity",
       [](CLI::App& app, Options& o) {
         app.add_option("--identity", o.identity,
                        "move keeps who the guest is; clone renews it; both-alive also its domain")
             ->check(CLI::IsMember({"move", "clone", "both-alive"}))
             ->capture_default_str();
         app.add_option("--identity-keep", o.identity_keep,
                        "keep this group of the identity in spite of --identity (repeatable)")
             ->type_name("GROUP")
             ->expected(1)
             ->take_all();
         app.add_option("--identity-reset", o.identity_reset,
                        "reset this group of the identity, too (repeatable)")
             ->type_name("GROUP")
             ->expected(1)
             ->take_all();
         app.add_flag(
             "--new-uuids", o.new_uuids,
             "new UUIDs for filesystems, swap and partition tables, in all that names them, too");
         app.add_flag(
             "--scrub", o.scrub,
             "remove credentials, keys, histories and logs, and overwrite what was deleted");
       }},
      {"checks-dir",
       [](CLI::App& app, Options& o) {
         app.add_option("--checks-dir", o.checks_dir,
                        "folder of a site's own checks (default: /etc/vmconvert/checks.d)")
             ->type_name("DIR");
       }},
      {"address",
       [](CLI::App& app, Options& o) {
         app.add_option("--address", o.address,
                        "give the guest this address in place of that one (repeatable)")
             ->type_name("OLD=NEW[/PREFIX]")
             ->expected(1)
             ->take_all();
         app.add_option("--gateway", o.gateway,
                        "its default gateway from now on, one a family (repeatable)")
             ->type_name("ADDRESS")
             ->expected(1)
             ->take_all();
         app.add_option("--dns", o.dns, "its name servers from now on (repeatable)")
             ->type_name("ADDRESS")
             ->expected(1)
             ->take_all();
         app.add_option("--hostname", o.hostname, "its host name from now on")->type_name("NAME");
       }},
      {"root",
       [](CLI::App& app, Options& o) {
         app.add_option("--root", o.root,
                        "the root filesystem, where a guest holds several (vda2, vg/lv)")
             ->type_name("DEVICE");
       }},
      {"level",
       [](CLI::App& app, Options& o) {
         app.add_option("--level", o.level,
                        "of zstd, 1 to 19: 1 is as fast as a disk, 3 for slow links")
             ->type_name("N")
             ->check(CLI::Range(1, 19))
             ->capture_default_str();
       }},
      {"encrypt-to",
       [](CLI::App& app, Options& o) {
         app.add_option("--encrypt-to", o.recipients,
                        "encrypt with age, to the public keys in this file")
             ->type_name("FILE");
       }},
      {"key",
       [](CLI::App& app, Options& o) {
         app.add_option("--key", o.key,
                        "file with the secret key of an encrypted bundle, as age-keygen makes it")
             ->type_name("FILE");
       }},
      {"expect",
       [](CLI::App& app, Options& o) {
         app.add_option("--expect", o.expected_root,
                        "the bundle's root as export printed it; another one is refused")
             ->type_name("sha256:HEX");
       }},
      {"template",
       [](CLI::App& app, Options& o) {
         app.add_option("--template", o.stylesheet,
                        "stylesheet for the domain XML, instead of ours")
             ->type_name("FILE");
       }},
      {"state-dir",
       [](CLI::App& app, Options& o) {
         app.add_option(
                "--state-dir", o.state_dir,
                "folder for overlays, locks and what is remembered (default: /var/lib/vmconvert)")
             ->type_name("DIR");
       }},
      {"progress",
       [](CLI::App& app, Options& o) {
         app.add_option("--progress", o.progress, "how progress is shown on stderr")
             ->check(CLI::IsMember({"auto", "bar", "json", "none"}))
             ->capture_default_str();
       }},
      {"verbose",
       [](CLI::App& app, Options& o) {
         app.add_flag("-v,--verbose", o.verbose, "say more: programs that are run, full diffs");
       }},
      {"quiet",
       [](CLI::App& app, Options& o) {
         app.add_flag("-q,--quiet", o.quiet, "say nothing but errors and warnings");
       }},
  };
  return k_options;
}

void add_options(CLI::App& app, const std::string& wanted, Options& options) {
  for (const std::string& word : words(wanted)) {
    const auto& table = option_table();
    const auto row = std::find_if(table.begin(), table.end(),
                                  [&](const OptionEntry& entry) { return entry.word == word; });
    if (row == table.end()) {
      throw Error(ErrorKind::internal, fmt::format("no option named {}", word));
    }
    row->add(app, options);
  }
}

}  // namespace

const std::vector<CommandEntry>& command_table() {
  static const std::vector<CommandEntry> k_commands = {
      {"list", "guests that could be converted, with disks and sizes", "connect json",
       Operand::none, run_list},
      {"inspect", "what is inside a guest", "connect root json", Operand::source, run_inspect},
      {"check", "what stands in the way; exit 3 if something blocks",
       "connect blueprint to dir vg thin-pool pool format name target root identity address accept "
       "checks-dir json",
       Operand::source, run_check},
      {"plan", "the exact plan: layout, edits and domain XML as diffs, bytes to move",
       "connect blueprint to dir vg thin-pool pool format name target no-define trial trial-limit "
       "start root "
       "identity address accept checks-dir template json",
       Operand::source, run_plan},
      {"trial", "patch an overlay, boot it, say whether it reached its prompt; copies nothing",
       "connect blueprint to trial-limit root identity address accept checks-dir json",
       Operand::source, run_trial},
      {"convert", "the main job: patch, try, copy, verify, define",
       "connect blueprint to dir vg thin-pool pool format name target no-define trial trial-limit "
       "start "
       "rate-limit bad-sectors checksum dry-run root identity address accept checks-dir template "
       "metrics json",
       Operand::source, run_convert},
      {"export", "write a guest's disks and description into a bundle, to be carried elsewhere",
       "connect accept level blueprint encrypt-to key json", Operand::source_and_bundle,
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
       "redo name target template start identity address accept metrics json", Operand::job,
       run_resume},
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

namespace {

std::optional<model::StorageTarget> storage_of(const Options& options) {
  const auto format = options.format == "qcow2" ? model::DiskFormat::qcow2 : model::DiskFormat::raw;
  const int places =
      (options.dir.empty() ? 0 : 1) + (options.vg.empty() ? 0 : 1) + (options.pool.empty() ? 0 : 1);
  if (places > 1) {
    throw Error(ErrorKind::usage, "--dir, --vg and --pool exclude each other",
                "name one place for the new disks");
  }
  if (!options.thin_pool.empty() && options.vg.empty()) {
    throw Error(ErrorKind::usage, "--thin-pool names a pool of a volume group",
                "name the group, too: --vg VG");
  }
  if (!options.vg.empty() && options.format != "raw") {
    throw Error(ErrorKind::usage, "a logical volume holds a raw disk",
                "leave --format out, or write into a folder: --dir DIR");
  }
  if (!options.dir.empty()) {
    return model::DirectoryTarget{std::filesystem::absolute(options.dir), format};
  }
  if (!options.vg.empty()) {
    return model::VolumeGroupTarget{options.vg, options.thin_pool};
  }
  if (!options.pool.empty()) {
    return model::PoolTarget{options.pool, format};
  }
  return std::nullopt;
}

model::Wishes wishes_of(const Options& options) {
  model::Wishes wishes;
  wishes.identity = options.identity == "clone"        ? model::IdentityProfile::clone
                    : options.identity == "both-alive" ? model::IdentityProfile::both_alive
                                                       : model::IdentityProfile::move;
  wishes.keep = options.identity_keep;
  wishes.reset = options.identity_reset;
  wishes.addresses = parse_addresses(options.address);
  wishes.gateways = parse_gateways(options.gateway);
  wishes.dns = parse_name_servers(options.dns);
  wishes.hostname = parse_host_name(options.hostname);
  for (const std::string& group : wishes.keep) {
    if (std::find(wishes.reset.begin(), wishes.reset.end(), group) != wishes.reset.end()) {
      throw Error(ErrorKind::usage,
                  fmt::format("the group {} cannot be kept and reset", printable(group)),
                  "name it once: --identity-keep or --identity-reset");
    }
  }
  wishes.new_uuids = std::erase(wishes.reset, k_disks) > 0 || options.new_uuids;
  wishes.scrub = options.scrub;
  return wishes;
}

}  // namespace

job::Request to_request(const Options& options) {
  job::Request request;
  request.source = {options.source, options.connect};
  request.to = options.to == "xen" ? model::TargetHypervisor::xen : model::TargetHypervisor::kvm;
  request.storage = storage_of(options);
  request.hash = options.checksum == "sha256" ? model::HashKind::sha256 : model::HashKind::xxh3_128;
  request.rate_limit = options.rate_limit;
  request.on_bad_sector =
      options.bad_sectors == "map" ? disk::OnBadSector::map : disk::OnBadSector::stop;
  if (options.start && options.no_define) {
    throw Error(ErrorKind::usage, "--start and --no-define exclude each other",
                "leave one of them out");
  }
  if (options.trial && request.to == model::TargetHypervisor::xen) {
    throw Error(ErrorKind::usage,
                "a trial boots under QEMU, which cannot boot a guest made for Xen",
                "leave --trial out: the boot path is walked instead");
  }
  request.wishes = wishes_of(options);
  request.record = options.record;
  request.name = options.name;
  request.root_device = options.root;
  request.accepted = options.accept;
  if (!options.no_site_checks) {
    request.site_checks = options.checks_dir.empty() ? job::k_site_checks : options.checks_dir;
  }
  request.trial = options.trial;
  request.trial_limit_seconds = options.trial_limit;
  request.define = !options.no_define;
  request.start = options.start;
  request.target_uri = options.target;
  request.stylesheet = options.stylesheet;
  request.adjustments = options.adjustments;
  request.hooks = options.hooks;
  request.state_dir = state_dir_of(options.state_dir);
  return request;
}

}  // namespace vmconvert::cli
