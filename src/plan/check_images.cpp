// What qcow2 images say of themselves, and which device a path means today.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"
#include "plan/check_outside.hpp"
#include "plan/check_table.hpp"

namespace vmconvert::plan {
namespace {

using model::DiskDevice;
using model::DomainDisk;
using model::Findings;

namespace fs = std::filesystem;

void check_image(Findings& findings, const DomainDisk& disk, const model::ImageHeader& header,
                 const std::vector<fs::path>& named) {
  const std::string place = place_text(disk);
  std::vector<std::string> chain;
  for (const fs::path& file : header.chain) {
    chain.push_back(printable(file.string()));
    const bool known = std::any_of(named.begin(), named.end(), [&](const fs::path& name) {
      return name.lexically_normal() == file;
    });
    if (!known) {
      findings.push_back(make_finding(
          "image-chain-unnamed",
          fmt::format("{} is based on {}, and the description does not say so", place,
                      chain.back()),
          fmt::format("if that file is meant, name it in the description of {}: <backingStore "
                      "type='file'><format type='...'/><source file='...'/></backingStore>",
                      disk.target)));
    }
  }
  if (!chain.empty()) {
    findings.push_back(make_finding("image-chain",
                                    fmt::format("{} consists of {} files: it is based on {}", place,
                                                chain.size() + 1, join(chain, ", ")),
                                    "keep all of them as they are until the conversion is done"));
  }
  if (header.corrupt) {
    findings.push_back(make_finding("image-corrupt",
                                    fmt::format("{} is marked as corrupt by QEMU", place),
                                    "repair a copy: qemu-img check -r all COPY"));
  } else if (header.dirty) {
    findings.push_back(make_finding(
        "image-dirty", fmt::format("{} was not closed: its reference counts may be wrong", place),
        "shut the guest down cleanly, or look at a copy with qemu-img check"));
  }
  if (!header.snapshots.empty()) {
    findings.push_back(make_finding(
        "image-snapshots",
        fmt::format("{} holds internal snapshots: {}; only its present state is converted", place,
                    join(header.snapshots, ", ")),
        "keep the old image if they are wanted"));
  }
}

// sda, xvdb2, hdc, nvme0n1, cciss/c0d0p8: given by the order in which a kernel found them.
bool is_by_letter(const std::string& path) {
  for (const char* prefix : {"/dev/sd", "/dev/hd", "/dev/xvd", "/dev/vd", "/dev/nvme",
                             "/dev/cciss/", "/dev/md", "/dev/dm-"}) {
    if (path.starts_with(prefix)) {
      return true;
    }
  }
  return false;
}

// "ext, UUID 1234", or the partitions' signatures.
std::string content_text(const model::DiskFacts& facts, const model::DiskCondition& condition) {
  if (facts.table != model::TableKind::none) {
    return fmt::format("{} with {} partitions", model::to_string(facts.table),
                       facts.partitions.size());
  }
  if (condition.regions.empty() || condition.regions[0].type.empty()) {
    return "nothing that is known here";
  }
  const model::Region& region = condition.regions[0];
  return region.type + (region.label.empty() ? "" : " labelled " + region.label) +
         (region.uuid.empty() ? "" : " with UUID " + region.uuid);
}

void check_device(Findings& findings, const DomainDisk& disk, const model::DeviceIdentity& device,
                  const std::string& content, ByteCount size) {
  const std::string place = place_text(disk);
  if (is_by_letter(disk.source.string())) {
    const std::string better =
        device.stable_name.empty() ? "a name below /dev/disk/by-id" : device.stable_name;
    findings.push_back(make_finding(
        "volume-by-letter",
        fmt::format("{} may be another device after the next start; today it has {} bytes, the "
                    "serial number {}, and holds {}",
                    place, size.value, device.serial.empty() ? "(none)" : device.serial, content),
        fmt::format("compare that with the volume that is meant, and name it by {}", better)));
  }
  if (!device.parent.empty()) {
    findings.push_back(
        make_finding("source-partition",
                     fmt::format("{} is a partition of {}: no snapshot of it can be taken", place,
                                 device.parent),
                     "keep the guest shut down until the copy is verified"));
  }
  constexpr double k_nearly_full = 80;
  if (device.snapshot_full) {
    findings.push_back(
        make_finding("source-snapshot-full",
                     fmt::format("{} ({}) is a snapshot that ran out of room: its content is gone",
                                 place, device.volume),
                     "take a new snapshot, with more room"));
  } else if (device.snapshot_percent.value_or(0) > k_nearly_full) {
    findings.push_back(
        make_finding("source-snapshot-filling",
                     fmt::format("{} ({}) is a snapshot that is {:.1f} % full; at 100 % it is lost",
                                 place, device.volume, *device.snapshot_percent),
                     fmt::format("extend it first: lvextend -L +SIZE {}", device.volume)));
  }
  if (device.sector_size != 0 && device.sector_size != k_sector_size) {
    findings.push_back(make_finding(
        "sector-size-4096",
        fmt::format("{} has sectors of {} bytes; the new disk has sectors of 512, and a partition "
                    "table counts in sectors",
                    place, device.sector_size),
        "use --trial; or move the guest to a volume with sectors of 512 bytes first"));
  }
}

}  // namespace

std::string place_text(const DomainDisk& disk, unsigned partition) {
  return partition == 0
             ? fmt::format("{} ({})", disk.target, disk.source.string())
             : fmt::format("{}, partition {} ({})", disk.target, partition, disk.source.string());
}

Findings check_images(const model::Domain& domain,
                      const std::vector<std::optional<model::ImageHeader>>& headers,
                      const model::DescribedDevices& described) {
  Findings findings;
  for (std::size_t i = 0; i < headers.size(); ++i) {
    if (headers[i]) {
      check_image(findings, domain.disks.at(i), *headers[i], described.chains.at(i));
    }
  }
  return findings;
}

model::Finding snapshot_impossible(const DomainDisk& disk, const std::string& why) {
  return make_finding("snapshot-impossible",
                      fmt::format("no snapshot of {} can be taken: {}", place_text(disk), why),
                      "shut the guest down and leave --snapshot out; or accept it for a disk that "
                      "nobody writes to: it is read as it is");
}

model::Finding snapshot_taken(const DomainDisk& disk, const std::string& origin,
                              const std::string& snapshot, ByteCount room) {
  return make_finding(
      "source-snapshots",
      fmt::format("{} ({}) is read through the snapshot {}, {}", disk.target, origin, snapshot,
                  room.value == 0
                      ? "whose thin pool takes what is written meanwhile"
                      : fmt::format("with room for {} that are written meanwhile", to_text(room))),
      "nothing to do: it is removed when the run has ended");
}

Findings check_identity(const model::Domain& domain,
                        const std::vector<model::DeviceIdentity>& devices,
                        const std::vector<model::DiskFacts>& facts,
                        const std::vector<model::DiskCondition>& conditions) {
  Findings findings;
  for (std::size_t i = 0; i < domain.disks.size(); ++i) {
    const DomainDisk& disk = domain.disks[i];
    if (disk.device != DiskDevice::disk) {
      continue;
    }
    check_device(findings, disk, devices.at(i), content_text(facts.at(i), conditions.at(i)),
                 facts.at(i).size);
    const std::uint64_t rest = facts.at(i).size.value % k_sector_size;
    if (rest != 0) {
      findings.push_back(
          make_finding("size-not-sectors",
                       fmt::format("{} has {} bytes: {} more than whole sectors of 512",
                                   place_text(disk), facts.at(i).size.value, rest),
                       "the image was cut off, or is none: compare its size with the original"));
    }
  }
  return findings;
}

}  // namespace vmconvert::plan
