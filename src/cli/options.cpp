#include "cli/options.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"

namespace vmconvert::cli {
namespace {

// One row an option: what CLI11 needs to know of it.
struct OptionEntry {
  const char* word;
  void (*add)(CLI::App& app, Options& options);
};

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
      {"snapshot",
       [](CLI::App& app, Options& o) {
         app.add_option("--snapshot", o.snapshot,
                        "of a guest that runs: read its logical volumes through LVM snapshots with "
                        "room for this much that is written meanwhile (10%, 4G)")
             ->type_name("SIZE|PERCENT%")
             ->check([](const std::string& text) {
               return model::parse_snapshot_size(text)
                          ? std::string()
                          : fmt::format("{} is neither a size (4G) nor a percentage (10%)",
                                        printable(text));
             });
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
             "new UUIDs for filesystems, swap, volumes, arrays and tables, in all that names them");
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

}  // namespace

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

}  // namespace vmconvert::cli
