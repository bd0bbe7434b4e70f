#include "guest/gpt_partitions.hpp"

#include <algorithm>
#include <optional>

#include "base/units.hpp"
#include "guest/raw_bytes.hpp"
#include "model/layout.hpp"

namespace vmconvert::guest {
namespace {

constexpr std::string_view k_efi_system = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b";
constexpr std::string_view k_extended_boot = "bc13c2ff-59e6-4262-a352-b275fd6f7172";

// A link to /dev/null in /etc is how one is switched off (systemd.generator(7)).
bool has_generator(GuestRoot& guest) {
  const std::string name = "/systemd/system-generators/systemd-gpt-auto-generator";
  return guest.lstat("/etc" + name).kind == FileKind::missing &&
         (guest.is_file("/usr/lib" + name) || guest.is_file("/lib" + name));
}

bool is_free(GuestRoot& guest, const model::GuestFacts& facts, const std::vector<FstabEntry>& fstab,
             const std::string& folder) {
  return guest.lstat(folder).kind == FileKind::directory && guest.list(folder).empty() &&
         std::none_of(fstab.begin(), fstab.end(),
                      [&](const FstabEntry& entry) { return entry.mountpoint == folder; }) &&
         std::none_of(facts.filesystems.begin(), facts.filesystems.end(),
                      [&](const model::Filesystem& fs) { return fs.mountpoint == folder; });
}

// The one partition of a type, if it holds a filesystem that is mounted nowhere.
std::optional<std::string> lone_device(const model::GuestFacts& facts, const std::string& disk,
                                       const std::vector<unsigned>& numbers) {
  if (numbers.size() != 1) {
    return std::nullopt;
  }
  const std::string device = model::partition_name(disk, numbers.front());
  const bool unused = std::any_of(
      facts.filesystems.begin(), facts.filesystems.end(),
      [&](const model::Filesystem& fs) { return fs.device == device && fs.mountpoint.empty(); });
  return unused ? std::optional(device) : std::nullopt;
}

}  // namespace

// UEFI specification, 5.3 "GUID Partition Table (GPT) Disk Layout".
std::vector<unsigned> partitions_of_type(GuestRoot& guest, const std::string& disk,
                                         std::uint64_t disk_size, std::string_view type) {
  constexpr std::size_t k_least_entry = 128, k_most_entry = 4096, k_most_entries = 1024;
  constexpr std::uint64_t k_no_auto = std::uint64_t{1} << 63U;
  if (disk_size < 2 * k_sector_size) {
    return {};
  }
  const std::string header = guest.read_disk(disk, k_sector_size, k_sector_size);
  if (header.size() < k_sector_size || !header.starts_with("EFI PART")) {
    return {};
  }
  const std::uint64_t first = number_at(header, 72, 8);
  const std::uint64_t count = number_at(header, 80, 4), size = number_at(header, 84, 4);
  if (size < k_least_entry || size > k_most_entry || count > k_most_entries ||
      first >= disk_size / k_sector_size || count * size > disk_size - first * k_sector_size) {
    return {};
  }
  const std::string table = guest.read_disk(disk, first * k_sector_size, count * size);
  std::vector<unsigned> found;
  for (std::size_t i = 0; i < count && (i + 1) * size <= table.size(); ++i) {
    if (guid_text(std::string_view(table).substr(i * size, k_guid_bytes)) == type &&
        (number_at(table, i * size + 48, 8) & k_no_auto) == 0) {
      found.push_back(static_cast<unsigned>(i + 1));
    }
  }
  return found;
}

std::string disk_of_root(const std::string& root_device, const std::vector<std::string>& disks) {
  for (const std::string& disk : disks) {
    const std::string number = root_device.substr(std::min(disk.size(), root_device.size()));
    if (root_device.starts_with(disk) && !number.empty() &&
        number.find_first_not_of("0123456789") == std::string::npos) {
      return disk;
    }
  }
  // A root in LVM or LUKS: systemd goes down to the disk that it lies on.
  return disks.size() == 1 ? disks.front() : std::string();
}

std::vector<MountByType> mounts_by_type(GuestRoot& guest, const model::GuestFacts& facts,
                                        const std::vector<FstabEntry>& fstab,
                                        const std::string& disk, std::uint64_t disk_size) {
  std::vector<MountByType> mounts;
  if (disk.empty() || !has_generator(guest)) {
    return mounts;
  }
  const auto extended = partitions_of_type(guest, disk, disk_size, k_extended_boot);
  if (const auto device = lone_device(facts, disk, extended);
      device && is_free(guest, facts, fstab, "/boot")) {
    mounts.push_back({*device, "/boot"});
  }
  // At /boot only where that is not the other one's.
  const bool own_folder = guest.lstat("/efi").kind != FileKind::missing || !extended.empty();
  const std::string folder = own_folder ? "/efi" : "/boot";
  const auto device =
      lone_device(facts, disk, partitions_of_type(guest, disk, disk_size, k_efi_system));
  if (device && is_free(guest, facts, fstab, folder)) {
    mounts.push_back({*device, folder});
  }
  return mounts;
}

}  // namespace vmconvert::guest
