// What was given on the command line, as a job takes it.
#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"
#include "cli/address_options.hpp"
#include "cli/options.hpp"
#include "cli/paths.hpp"
#include "job/site_checks.hpp"

namespace vmconvert::cli {
namespace {

// A group of the identity that the appliance renews, not the fixer: the same as --new-uuids.
constexpr const char* k_disks = "disks";

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
  wishes.kernel_packages = options.kernel_packages;
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
  request.snapshot = model::parse_snapshot_size(options.snapshot);
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
