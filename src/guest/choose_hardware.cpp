#include "guest/choose_hardware.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/text.hpp"
#include "guest/fstab.hpp"
#include "guest/linux_kernel.hpp"

namespace vmconvert::guest {
namespace {

constexpr std::size_t k_most_kernels = 16;  // the newest; each has lists to be read
constexpr std::array<const char*, 4> k_ide_places = {"hda", "hdb", "hdc", "hdd"};

struct Candidate {
  model::Kernel kernel;
  KernelDrivers drivers;
};

bool drives_virtio_disk(const KernelDrivers& drivers) {
  return drivers.has("virtio_blk") && drivers.has("virtio_pci");
}

// Linux had its own IDE layer until 5.13, and has libata since 2.6.19; for years it had both.
bool has_old_ide(const KernelDrivers& drivers) {
  return drivers.has("piix") && (drivers.has("ide_disk") || drivers.has("ide_gd_mod"));
}
bool drives_ide_disk(const KernelDrivers& drivers) {
  return has_old_ide(drivers) || (drivers.has("ata_piix") && drivers.has("sd_mod"));
}

// libvirt's model of a card that this kernel drives; nothing if there is none. The card that the
// guest had comes first: its configuration may know it.
std::optional<std::string> card_for(const KernelDrivers& drivers, const std::string& had) {
  const bool e1000 = drivers.has("e1000");
  const bool rtl8139 = drivers.has("8139cp") || drivers.has("8139too");
  if (drivers.has("virtio_net")) {
    return "virtio";
  }
  if (rtl8139 && (had == "rtl8139" || !e1000)) {
    return "rtl8139";
  }
  return e1000 ? std::optional<std::string>("e1000") : std::nullopt;
}

bool can_boot(GuestRoot& guest, const model::Kernel& kernel) {
  return guest.is_file(kernel.image) &&
         read_kernel_header(guest.read(kernel.image, GuestRoot::k_binary_limit)).has_value();
}

// Those whose drivers are known, newest first.
std::vector<Candidate> candidates(GuestRoot& guest, const model::GuestFacts& facts) {
  std::vector<Candidate> found;
  for (const model::Kernel& kernel : facts.kernels) {
    if (kernel.image.empty()) {
      continue;
    }
    if (found.size() == k_most_kernels) {
      break;
    }
    KernelDrivers drivers = read_kernel_drivers(guest, kernel.version);
    if (drivers.known()) {
      found.push_back({kernel, std::move(drivers)});
    }
  }
  return found;
}

const Candidate* first_with(const std::vector<Candidate>& all,
                            bool (*drives)(const KernelDrivers&)) {
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&](const Candidate& each) { return drives(each.drivers); });
  return found == all.end() ? nullptr : &*found;
}

// The guest's own word on what its kernel calls an IDE disk; nothing if its fstab names none.
std::optional<std::string> prefix_in_fstab(GuestRoot& guest) {
  for (const FstabEntry& entry : read_fstab(guest.read_if_there("/etc/fstab").value_or(""))) {
    for (const char* prefix : {"hd", "sd"}) {
      if (entry.device.starts_with(std::string("/dev/") + prefix) && entry.mountpoint == "/") {
        return prefix;
      }
    }
  }
  return std::nullopt;
}

// The places that the disks had stay theirs; the others take what is free, in their order.
std::vector<std::string> places_for(const model::Domain& domain, const model::Layout& layout) {
  std::vector<std::string> places(layout.disks.size());
  std::vector<std::string> free(k_ide_places.begin(), k_ide_places.end());
  for (std::size_t i = 0; i < layout.disks.size(); ++i) {
    const model::TargetDisk& disk = layout.disks[i];
    if (disk.composed || disk.segments.empty()) {
      continue;
    }
    const std::string& before = domain.disks.at(disk.segments.front().source).target;
    if (const auto place = std::find(free.begin(), free.end(), before); place != free.end()) {
      places[i] = before;
      free.erase(place);
    }
  }
  for (std::string& place : places) {
    if (place.empty() && !free.empty()) {
      place = free.front();
      free.erase(free.begin());
    }
  }
  return places;
}

// The old IDE layer names a disk by its place, libata counts those that are there.
std::vector<std::string> names_of(const std::vector<std::string>& places, bool old_ide) {
  if (old_ide) {
    return places;
  }
  std::vector<std::string> sorted = places;
  std::sort(sorted.begin(), sorted.end());
  std::vector<std::string> names;
  for (const std::string& place : places) {
    const auto at = std::lower_bound(sorted.begin(), sorted.end(), place) - sorted.begin();
    names.push_back(std::string("sd") + static_cast<char>('a' + at));
  }
  return names;
}

void use_ide(GuestRoot& guest, const Candidate& kernel, const model::Domain& domain,
             const model::Layout& layout, ChosenHardware& chosen) {
  if (layout.disks.size() > k_ide_places.size()) {
    chosen.findings.push_back(
        {"ide-places", model::Severity::blocks,
         fmt::format("Kernel {} has no virtio, so the disks would be IDE disks: of those a machine "
                     "has {}, and the guest has {}",
                     printable(kernel.kernel.version), k_ide_places.size(), layout.disks.size()),
         "install a kernel with virtio in the guest, or join its disks; or keep it on Xen: --to "
         "xen"});
    return;
  }
  const std::string said = prefix_in_fstab(guest).value_or("");
  const bool old_ide =
      said.empty() || !has_old_ide(kernel.drivers) ? has_old_ide(kernel.drivers) : said == "hd";
  chosen.hardware.disk_bus = "ide";
  chosen.hardware.places = places_for(domain, layout);
  chosen.hardware.in_guest = names_of(chosen.hardware.places, old_ide);
}

void use_card(const Candidate& kernel, const model::Domain& domain, ChosenHardware& chosen) {
  if (domain.nics.empty()) {
    return;
  }
  if (const auto card = card_for(kernel.drivers, domain.nics.front().model)) {
    chosen.hardware.nic_model = *card;
    return;
  }
  chosen.findings.push_back(
      {"no-network-driver", model::Severity::warns,
       fmt::format("Kernel {} drives no network card that KVM offers (virtio_net, e1000, 8139cp)",
                   printable(kernel.kernel.version)),
       "install the driver in the guest, or expect it without a network"});
}

void tell(const Candidate& kernel, ChosenHardware& chosen) {
  const bool ide = chosen.hardware.disk_bus == "ide";
  const bool card = chosen.hardware.nic_model != "virtio";
  if (!ide && !card) {
    return;
  }
  chosen.findings.push_back(
      {"emulated-devices", model::Severity::informs,
       fmt::format("Kernel {} has no {}: the new machine gets {}{}{}, which are slower",
                   printable(kernel.kernel.version), ide ? "virtio" : "virtio_net",
                   ide ? "IDE disks" : "", ide && card ? " and " : "",
                   card ? chosen.hardware.nic_model + " network cards" : ""),
       "for more speed install a kernel with virtio in the guest, then convert again"});
}

}  // namespace

ChosenHardware choose_hardware(GuestRoot& guest, const model::GuestFacts& facts,
                               const model::Domain& domain, const model::Layout& layout,
                               model::TargetHypervisor to) {
  ChosenHardware chosen;
  if (to == model::TargetHypervisor::xen) {
    chosen.hardware = {"xen", "xen"};
    return chosen;
  }
  chosen.hardware.uefi = domain.uefi;
  // A kernel that the host keeps is brought in, and looked at then.
  std::vector<Candidate> all =
      domain.direct_boot ? std::vector<Candidate>() : candidates(guest, facts);
  const Candidate* kernel = first_with(all, drives_virtio_disk);
  if (kernel == nullptr) {
    // Xen's own kernels have a PC's drivers, too, and cannot start on one. Looking costs a read.
    std::erase_if(all, [&](const Candidate& each) { return !can_boot(guest, each.kernel); });
    kernel = first_with(all, drives_ide_disk);
    if (kernel == nullptr) {
      return chosen;  // the initramfs fixer says what is missing
    }
    use_ide(guest, *kernel, domain, layout, chosen);
  }
  use_card(*kernel, domain, chosen);
  tell(*kernel, chosen);
  return chosen;
}

}  // namespace vmconvert::guest
