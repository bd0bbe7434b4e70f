#include "plan/check_inside.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>

#include "base/text.hpp"
#include "plan/check_table.hpp"

namespace vmconvert::plan {
namespace {

using model::Findings;
using model::Severity;
using model::Sighting;

constexpr std::size_t k_most_named = 8;

// "a, b, c and 7 more"
std::string some_of(const std::vector<std::string>& all) {
  if (all.size() <= k_most_named) {
    return join(all, ", ");
  }
  const std::vector<std::string> first(all.begin(), all.begin() + k_most_named);
  return fmt::format("{} and {} more", join(first, ", "), all.size() - k_most_named);
}

std::string seen_at(const std::vector<Sighting>& sights) {
  std::vector<std::string> parts;
  parts.reserve(sights.size());
  for (const Sighting& sight : sights) {
    parts.push_back(fmt::format("{} ({})", sight.name, sight.path));
  }
  return some_of(parts);
}

// What is written there: kernels and their initramfs go to /boot, everything to the root.
struct Need {
  ByteCount comfortable;
  ByteCount least;
};

Need need_of(const std::string& mountpoint) {
  if (mountpoint == "/") {
    return {{100 * k_mib}, {20 * k_mib}};
  }
  return mountpoint == "/boot" ? Need{{50 * k_mib}, {10 * k_mib}} : Need{{10 * k_mib}, {}};
}

void check_room(Findings& findings, const model::MountRoom& room) {
  constexpr std::uint64_t k_few_inodes = 100;
  const Need need = need_of(room.mountpoint);
  if (room.free < need.comfortable) {
    findings.push_back(make_finding(
        "low-space", room.free < need.least ? Severity::blocks : Severity::warns,
        fmt::format("{} ({}) has {} free; {} are wanted there", room.mountpoint, room.device,
                    to_text_exact(room.free), to_text_exact(need.comfortable)),
        room.mountpoint == "/boot" ? "remove old kernels in the guest"
                                   : "remove what is not needed: old logs, package caches"));
  }
  if (room.inodes != 0 && room.free_inodes < k_few_inodes) {
    findings.push_back(make_finding("low-inodes",
                                    fmt::format("{} ({}) has {} of {} inodes free", room.mountpoint,
                                                room.device, room.free_inodes, room.inodes),
                                    "remove small files in the guest (mail, sessions, caches)"));
  }
}

// Twins that can be seen only in here: at least one of them lies on a volume of the guest's.
void check_volume_twins(Findings& findings, const model::GuestFacts& guest, const char* id,
                        const char* noun, std::string model::Filesystem::*member,
                        const char* remedy) {
  std::map<std::string, std::vector<std::string>> places;
  for (const model::Filesystem& fs : guest.filesystems) {
    if (!(fs.*member).empty() && fs.type != "btrfs" && fs.type != "linux_raid_member") {
      places[fs.*member].push_back(fs.device);
    }
  }
  for (const auto& [value, devices] : places) {
    const bool on_volume = std::any_of(
        devices.begin(), devices.end(),
        [](const std::string& device) { return device.find('/') != std::string::npos; });
    if (devices.size() > 1 && on_volume) {
      findings.push_back(
          make_finding(id,
                       fmt::format("the {} {} is on {} filesystems: {}", noun, printable(value),
                                   devices.size(), some_of(devices)),
                       remedy));
    }
  }
}

// blkid's words for swap with a sleeping system in it.
bool is_hibernated(const model::Filesystem& fs) {
  return fs.type == "swsuspend" || fs.type == "s1suspend" || fs.type == "s2suspend" ||
         fs.type == "ulsuspend" || fs.type == "tuxonice" || fs.type == "linhib0001";
}

const char* advice_for(const std::string& overlay) {
  if (overlay == "ZeroTier") {
    return "for a clone: stop the service, remove /var/lib/zerotier-one/identity.*, and authorise "
           "the new node";
  }
  if (overlay == "Tailscale") {
    return "for a clone: remove /var/lib/tailscale/tailscaled.state and log in anew";
  }
  if (overlay == "Netbird") {
    return "for a clone: remove its configuration and log in with a new setup key";
  }
  return "for a clone: make a new key or certificate for it, and tell its peers";
}

bool is_named(const model::GuestFacts& guest, const model::MenuReference& wanted) {
  return std::any_of(
      guest.filesystems.begin(), guest.filesystems.end(), [&](const model::Filesystem& fs) {
        return wanted.kind == "UUID" ? fs.uuid == wanted.value : fs.label == wanted.value;
      });
}

}  // namespace

Findings check_filesystems(const model::GuestFacts& guest, const model::GuestSurvey& survey) {
  Findings findings;
  if (survey.roots.size() > 1) {
    findings.push_back(make_finding(
        "several-roots",
        fmt::format("{} filesystems hold a system: {}; {} is taken for the one that boots",
                    survey.roots.size(), some_of(survey.roots), guest.root_device),
        "name another one if it is not: --root DEVICE"));
  }
  for (const model::UnreadFilesystem& unread : survey.unread) {
    findings.push_back(make_finding(
        "filesystem-unreadable",
        fmt::format("{} ({}) cannot be mounted in the appliance: {}", unread.device, unread.type,
                    unread.why),
        "it is copied whole and as it is; where the guest needs it to boot, use --trial, or a host "
        "whose kernel can read it"));
  }
  for (const model::MountRoom& room : survey.rooms) {
    check_room(findings, room);
  }
  check_volume_twins(findings, guest, "duplicate-uuid", "UUID", &model::Filesystem::uuid,
                     "two copies of one filesystem: give one of them a new UUID in the guest");
  check_volume_twins(findings, guest, "duplicate-label", "label", &model::Filesystem::label,
                     "name filesystems by UUID in fstab, or give one of them another label");
  for (const model::Filesystem& fs : guest.filesystems) {
    if (fs.device.find('/') != std::string::npos && is_hibernated(fs)) {
      findings.push_back(make_finding(
          "swap-hibernated",
          fmt::format("{}: it holds a hibernated system, which would wake up over changed "
                      "filesystems and destroy them",
                      fs.device),
          "start the guest on the old host and shut it down, instead of suspending it"));
    }
  }
  return findings;
}

Findings check_boot(const model::Domain& domain, const model::GuestFacts& guest,
                    const model::GuestSurvey& survey) {
  Findings findings;
  for (const model::MenuReference& reference : survey.menu) {
    if (!is_named(guest, reference)) {
      findings.push_back(make_finding(
          "menu-unknown-filesystem",
          fmt::format("{} names a filesystem by {} {}, and there is none", guest.menu,
                      reference.kind, reference.value),
          "correct the menu in the guest, or add the disk that is missing; the entry that boots "
          "is checked by itself (root-not-found)"));
    }
  }
  if (domain.uefi && !survey.uefi_fallback) {
    findings.push_back(make_finding(
        "uefi-no-fallback",
        fmt::format("{} boots by UEFI and has no fallback loader EFI/BOOT/BOOT*.EFI: the new "
                    "variable store will not know where its loader is, so the copy gets one",
                    domain.name),
        "the boot path tells whether that was possible; in the guest it is grub-install "
        "--removable "
        "(--force-extra-removable on Debian)"));
  }
  if (survey.selinux_enforcing) {
    findings.push_back(make_finding(
        "selinux-enforcing",
        "SELinux is enforcing; files that the conversion makes anew get the label of their folder",
        "if a service is refused its files after the first boot: touch /.autorelabel; reboot"));
  }
  return findings;
}

Findings check_network(const model::Domain& domain, const model::GuestSurvey& survey) {
  Findings findings;
  for (const Sighting& overlay : survey.overlays) {
    findings.push_back(make_finding(
        "overlay-network",
        fmt::format("{} is a node of an overlay network: {} ({}); a copy would be the same node",
                    domain.name, overlay.name, overlay.path),
        fmt::format("for a move nothing, as long as the two never run at once; {}",
                    advice_for(overlay.name))));
  }
  if (survey.network_managers.size() > 1) {
    findings.push_back(make_finding(
        "several-network-managers",
        fmt::format("{} programs configure the network: {}", survey.network_managers.size(),
                    seen_at(survey.network_managers)),
        "disable all but one in the guest: which of them wins may change with the new hardware"));
  }
  if (survey.cloud_init_network) {
    findings.push_back(make_finding(
        "cloud-init-network",
        "cloud-init is enabled, and may write the network configuration anew at the next boot",
        "in the guest: touch /etc/cloud/cloud-init.disabled, or set network: {config: disabled}"));
  }
  std::map<std::string, std::vector<std::string>> uses;
  for (const Sighting& use : survey.address_uses) {
    uses[use.name].push_back(use.path);
  }
  for (const auto& [address, files] : uses) {
    findings.push_back(
        make_finding("address-in-files",
                     fmt::format("the guest's address {} stands in {}", address, some_of(files)),
                     "change these files as well if the guest gets another address"));
  }
  return findings;
}

Findings check_contents(const model::GuestSurvey& survey) {
  Findings findings;
  if (!survey.services.empty()) {
    findings.push_back(make_finding(
        "data-services",
        fmt::format("services with data of their own: {}", seen_at(survey.services)),
        "see to it that the guest was shut down and not stopped; look at these first after the "
        "first boot"));
  }
  for (const Sighting& unclean : survey.unclean) {
    findings.push_back(make_finding(
        "service-not-stopped",
        fmt::format("{} was not stopped cleanly: {} is there", unclean.name, unclean.path),
        "start the guest, stop the service, and shut the guest down"));
  }
  if (!survey.agents.empty()) {
    findings.push_back(make_finding(
        "old-agents",
        fmt::format("agents of another hypervisor, cloud or backup: {}", seen_at(survey.agents)),
        "uninstall in the guest what the new place does not use"));
  }
  if (!survey.credentials.empty()) {
    findings.push_back(make_finding(
        "credentials-inside",
        fmt::format("secrets are in the guest, and so in every copy: {}",
                    some_of(survey.credentials)),
        "keep copies and overlays where only root can read them; renew these in a clone"));
  }
  return findings;
}

Findings check_inside(const model::Domain& domain, const model::GuestFacts& guest,
                      const model::GuestSurvey& survey) {
  Findings findings;
  for (Findings part : {check_filesystems(guest, survey), check_boot(domain, guest, survey),
                        check_network(domain, survey), check_contents(survey)}) {
    std::move(part.begin(), part.end(), std::back_inserter(findings));
  }
  return findings;
}

model::Finding journal_finding(const std::string& content, const std::string& why) {
  return make_finding("filesystem-dirty", fmt::format("{} was not unmounted: {}", content, why),
                      "start the guest and shut it down cleanly if it can still be started");
}

}  // namespace vmconvert::plan
