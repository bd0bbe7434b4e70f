#include "plan/check_fit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "plan/check_outside.hpp"
#include "plan/check_table.hpp"

namespace vmconvert::plan {
namespace {

using model::Findings;
using model::Severity;

constexpr std::size_t k_most_in_message = 4;

std::string first_few(const std::vector<std::string>& all) {
  const std::vector<std::string> first(
      all.begin(),
      all.begin() + static_cast<std::ptrdiff_t>(std::min(all.size(), k_most_in_message)));
  return join(first, ", ") + (all.size() > k_most_in_message ? ", ..." : "");
}

bool has(const std::vector<std::string>& list, const std::string& text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

// "Rocky Linux 9.3 (Blue Onyx)" -> 9; 0: it names none.
unsigned version_of(const std::string& os_name) {
  for (const std::string& word : words(os_name)) {
    const auto number = parse_number(word.substr(0, word.find('.')));
    if (number && *number < 1000) {
      return static_cast<unsigned>(*number);
    }
  }
  return 0;
}

}  // namespace

Findings check_pinning(const model::CpuPinning& pinning) {
  Findings findings;
  std::vector<std::string> left = pinning.pins;
  if (pinning.numa_cells) {
    left.emplace_back("nodes (NUMA) of its own");
  }
  if (!left.empty()) {
    findings.push_back(make_finding(
        "pinning-left-behind",
        fmt::format("the description binds the guest to parts of the old host, which is not "
                    "carried over: {}",
                    first_few(left)),
        "bind it anew on the new host, if it needs that: virsh vcpupin, emulatorpin, numatune"));
  }
  return findings;
}

Findings check_machine(const std::string& arch, const std::string& machine,
                       const model::MachineOffer& offer, const std::string& uri) {
  Findings findings;
  if (offer.architectures.empty()) {
    return findings;  // it does not say
  }
  if (!has(offer.architectures, arch)) {
    findings.push_back(make_finding(
        "target-machine",
        fmt::format("{} runs no guests of the architecture {}, only {}", uri, arch,
                    first_few(offer.architectures)),
        fmt::format("install the emulator for it (qemu-system-x86), or name another connection: "
                    "--target URI")));
  } else if (!machine.empty() && !offer.machines.empty() && !has(offer.machines, machine)) {
    findings.push_back(
        make_finding("target-machine",
                     fmt::format("{} has no machine type {} for {}, but {}", uri, machine, arch,
                                 first_few(offer.machines)),
                     "use a stylesheet that asks for one of those: --template FILE"));
  }
  return findings;
}

Findings check_firmware(bool uefi, const model::MachineOffer& offer, const std::string& uri) {
  if (!uefi || offer.uefi.value_or(true)) {
    return {};
  }
  return {
      make_finding("target-firmware",
                   fmt::format("the guest boots by UEFI, and {} has no firmware for that", uri),
                   "install it there: ovmf on Debian and Ubuntu, edk2-ovmf on Red Hat's family, "
                   "qemu-ovmf-x86_64 on SUSE")};
}

Findings check_pvh_offer(const std::string& arch, const model::MachineOffer& offer,
                         const std::string& uri) {
  if (offer.pvh.value_or(true)) {
    return {};
  }
  return {make_finding(
      "target-machine", fmt::format("{} runs no PVH guests of the architecture {}", uri, arch),
      "name the connection of a host with Xen 4.10 or newer and VT-x or AMD-V switched on "
      "(--target URI), or leave type = \"pvh\" out")};
}

Findings check_hvm_offer(const std::string& arch, const model::MachineOffer& offer,
                         const std::string& uri) {
  if (!offer.pvh || has(offer.architectures, arch)) {  // it does not say, or it does
    return {};
  }
  return {make_finding(
      "target-machine", fmt::format("{} runs no HVM guests of the architecture {}", uri, arch),
      "switch VT-x or AMD-V on in that host's firmware, or name another connection (--target "
      "URI), or leave type = \"hvm\" out")};
}

Findings check_pvh_kernel(const model::PvhKernel& kernel) {
  if (kernel.can.value_or(false)) {
    return {};
  }
  const std::string name =
      kernel.version.empty() ? kernel.image : fmt::format("{} ({})", kernel.image, kernel.version);
  if (!kernel.can) {
    return {make_finding("kernel-not-pvh", Severity::warns,
                         fmt::format("whether {} runs as PVH is not known: {}", name, kernel.how),
                         "look for CONFIG_XEN_PVH=y in the configuration that it was built with")};
  }
  return {make_finding("kernel-not-pvh", fmt::format("{} cannot run as PVH: {}", name, kernel.how),
                       "make a newer kernel of the distribution the menu's default (Linux 4.11 or "
                       "newer with CONFIG_XEN_PVH), or leave type = \"pvh\" out: it stays PV")};
}

// Red Hat's own release notes say so of 9 and 10; AlmaLinux also builds its 10 for the second
// level. openSUSE Leap 16 needs the second, and SUSE's own 16 no less.
unsigned needed_cpu_level(const std::string& distribution, const std::string& os_name) {
  constexpr std::array k_red_hats = {"rhel", "centos", "rocky", "almalinux", "ol"};
  const unsigned version = version_of(os_name);
  if (std::find(k_red_hats.begin(), k_red_hats.end(), distribution) != k_red_hats.end()) {
    return version >= 10 && distribution != "almalinux" ? 3 : version >= 9 ? 2 : 1;
  }
  const bool suse = distribution == "sles" || distribution == "opensuse-leap";
  return suse && version >= 16 && version < 42 ? 2 : 1;
}

Findings check_cpu_level(const model::GuestFacts& guest, const model::CpuLevel& host) {
  Findings findings;
  const unsigned needed = needed_cpu_level(guest.distribution, guest.os_name);
  if (host.level != 0 && host.level < needed) {
    findings.push_back(make_finding(
        "target-cpu-level",
        fmt::format("{} is built for processors of x86-64-v{}, and this host's has no more than "
                    "v{}: it lacks {}",
                    printable(guest.os_name), needed, host.level, first_few(host.missing)),
        "run it on a host with a newer processor; its first program would stop with \"CPU does "
        "not support x86-64-v\""));
  }
  return findings;
}

Findings check_health(const model::DomainDisk& disk, const std::vector<model::DiskHealth>& below) {
  Findings findings;
  for (const model::DiskHealth& health : below) {
    std::vector<std::string> said;
    if (health.errors != 0) {
      said.push_back(fmt::format(
          "the kernel's log has {} error{} of it{}", health.errors, health.errors == 1 ? "" : "s",
          health.first_sector ? fmt::format(", the first at sector {}", *health.first_sector)
                              : ""));
    }
    if (health.failing) {
      said.emplace_back("by SMART it is failing");
    }
    if (!said.empty()) {
      findings.push_back(make_finding(
          "source-disk-failing",
          fmt::format("{} lies on {}: {}", place_text(disk), health.kernel_name, join(said, "; ")),
          "copy it soon, and with --bad-sectors map: that goes on past what cannot be read, and "
          "names the guest's files there"));
    }
  }
  return findings;
}

}  // namespace vmconvert::plan
