// A root that no argument names: systemd in the initramfs takes the partition of the root's type
// from the disk that its loader came from (systemd-gpt-auto-generator(8)).
#include <algorithm>

#include "base/text.hpp"
#include "base/units.hpp"
#include "guest/boot_path_steps.hpp"
#include "guest/raw_bytes.hpp"

namespace vmconvert::guest {
namespace {

// The Discoverable Partitions Specification (UAPI.2).
std::string_view root_type(const std::string& arch) {
  return arch == "x86_64" ? "4f68bce3-e8cd-4db1-96e7-fbcaf984b709"
                          : "44479540-f297-41b2-9af7-d131d5f0458a";
}

// Numbers of the partitions of that type, but for those that say to be left alone. UEFI
// specification, 5.3 "GUID Partition Table (GPT) Disk Layout".
std::vector<unsigned> partitions_of_type(GuestRoot& guest, const model::TargetDisk& disk,
                                         std::string_view type) {
  constexpr std::size_t k_least_entry = 128, k_most_entry = 4096, k_most_entries = 1024;
  constexpr std::uint64_t k_no_auto = std::uint64_t{1} << 63U;
  const std::uint64_t disk_size = disk.size.value;
  if (disk_size < 2 * k_sector_size) {
    return {};
  }
  const std::string header = guest.read_disk(disk.name, k_sector_size, k_sector_size);
  if (header.size() < k_sector_size || !header.starts_with("EFI PART")) {
    return {};
  }
  const std::uint64_t first = number_at(header, 72, 8);
  const std::uint64_t count = number_at(header, 80, 4), size = number_at(header, 84, 4);
  if (size < k_least_entry || size > k_most_entry || count > k_most_entries ||
      first >= disk_size / k_sector_size || count * size > disk_size - first * k_sector_size) {
    return {};
  }
  const std::string table = guest.read_disk(disk.name, first * k_sector_size, count * size);
  std::vector<unsigned> found;
  for (std::size_t i = 0; i < count && (i + 1) * size <= table.size(); ++i) {
    if (guid_text(std::string_view(table).substr(i * size, k_guid_bytes)) == type &&
        (number_at(table, i * size + 48, 8) & k_no_auto) == 0) {
      found.push_back(static_cast<unsigned>(i + 1));
    }
  }
  return found;
}

}  // namespace

bool is_root_by_type(BootWalk& walk, const std::vector<std::string>& initramfs) {
  const bool generator = std::any_of(initramfs.begin(), initramfs.end(), [](const auto& path) {
    return path.ends_with("/systemd-gpt-auto-generator");
  });
  if (!generator) {
    return false;
  }
  for (const model::TargetDisk& disk : walk.layout.disks) {
    const bool of_loader = std::any_of(walk.facts.filesystems.begin(), walk.facts.filesystems.end(),
                                       [&](const model::Filesystem& fs) {
                                         return fs.type == "vfat" && !fs.mountpoint.empty() &&
                                                fs.device.starts_with(disk.name);
                                       });
    if (!of_loader || !walk.facts.root_device.starts_with(disk.name)) {
      continue;
    }
    const auto found = partitions_of_type(walk.guest, disk, root_type(walk.facts.arch));
    return found.size() == 1 &&
           model::partition_name(disk.name, found.front()) == walk.facts.root_device;
  }
  return false;
}

}  // namespace vmconvert::guest
