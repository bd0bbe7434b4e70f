// Which filesystems and volumes are on the guest's disks.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "guest/array_ids.hpp"
#include "guest/arrays.hpp"
#include "guest/inspect_disks.hpp"

namespace vmconvert::guest {
namespace {

constexpr std::size_t k_most_filesystems = 512;

class FilesystemList {
 public:
  FilesystemList(ApplianceHandle& appliance, ApplianceRoot& root)
      : m_appliance(appliance), m_root(root) {}

  // Every program that the appliance runs costs a quarter of a second under emulation, so the
  // questions are few: libguestfs' own list of filesystems would run several a device.
  std::vector<model::Filesystem> run(const std::vector<std::string>& disks) {
    std::vector<std::string> devices =
        m_appliance.list(guestfs_list_partitions(m_appliance.get()), "listing the partitions");
    for (const std::string& disk : disks) {
      const std::string whole = m_root.to_appliance(disk);
      const auto parts = std::count_if(devices.begin(), devices.end(), [&](const std::string& d) {
        return d.size() > whole.size() && d.starts_with(whole);
      });
      if (parts == 0) {
        devices.push_back(whole);
      } else if (parts > 1) {
        read_partition_sizes(whole);
      }
    }
    add_filesystems(devices);
    if (has("linux_raid_member")) {
      add_arrays();
    }
    if (has("LVM2_member")) {
      add_filesystems(m_appliance.list(guestfs_lvs(m_appliance.get()), "listing the volumes"));
    }
    return std::move(m_found);
  }

 private:
  [[nodiscard]] bool has(std::string_view type) const {
    return std::any_of(m_found.begin(), m_found.end(),
                       [&](const model::Filesystem& fs) { return fs.type == type; });
  }

  // The appliance assembles all that it finds when it starts.
  void add_arrays() {
    for (const std::string& device :
         m_appliance.list(guestfs_list_md_devices(m_appliance.get()), "listing the arrays")) {
      const std::vector<std::string> detail =
          take_list(guestfs_md_detail(m_appliance.get(), device.c_str()));
      if (auto array = array_of_detail(detail); array && m_found.size() < k_most_filesystems) {
        name_by_number(*array);
        const std::size_t before = m_found.size();
        add_filesystem(device);
        if (m_found.size() > before) {  // no partition table
          m_found.back().array = std::move(array);
        }
      }
    }
  }

  void name_by_number(model::Array& array) {
    for (const model::Filesystem& fs : m_found) {
      if (fs.type == "linux_raid_member" && fs.uuid == array.uuid) {
        if (const auto number = read_array_number(m_root, fs.device, fs.size)) {
          add_array_names(array, fmt::format("{}", *number));
        }
        return;  // all say the same
      }
    }
  }

  // All of a disk's partitions at once. A table that parted refuses is asked about one by one.
  void read_partition_sizes(const std::string& disk) {
    const Owned<struct guestfs_partition_list, guestfs_free_partition_list> list(
        guestfs_part_list(m_appliance.get(), disk.c_str()));
    for (std::uint32_t i = 0; list && i < list->len; ++i) {
      const struct guestfs_partition& partition = list->val[i];
      m_sizes[fmt::format("{}{}", disk, partition.part_num)] = partition.part_size;
    }
  }

  void add_filesystems(const std::vector<std::string>& devices) {
    for (const std::string& device : devices) {
      if (m_found.size() < k_most_filesystems) {
        add_filesystem(device);
      }
    }
  }

  void add_filesystem(const std::string& device) {
    model::Filesystem fs;
    fs.device = m_root.from_appliance(device);
    // An error means that nothing is known there.
    const std::vector<std::string> pairs =
        take_list(guestfs_blkid(m_appliance.get(), device.c_str()));
    bool table = false;
    for (std::size_t i = 0; i + 1 < pairs.size(); i += 2) {
      const std::string& value = pairs[i + 1];
      if (pairs[i] == "TYPE") {
        fs.type = value;
      } else if (pairs[i] == "UUID") {
        fs.uuid = value;
      } else if (pairs[i] == "LABEL") {
        fs.label = value;
      } else if (pairs[i] == "PTTYPE") {
        table = true;
      }
    }
    if (fs.type.empty() && table) {
      return;  // an extended partition, or a disk without partitions in its table
    }
    fs.type = fs.type.empty() ? "unknown" : fs.type;
    fs.size = {size_of(device)};
    m_found.push_back(std::move(fs));
  }

  std::uint64_t size_of(const std::string& device) {
    if (const auto known = m_sizes.find(device); known != m_sizes.end()) {
      return known->second;
    }
    const std::int64_t size = guestfs_blockdev_getsize64(m_appliance.get(), device.c_str());
    m_appliance.check(size == -1 ? -1 : 0, fmt::format("reading the size of {}", device));
    return static_cast<std::uint64_t>(size);
  }

  ApplianceHandle& m_appliance;
  ApplianceRoot& m_root;
  std::map<std::string, std::uint64_t> m_sizes;  // by the appliance's names
  std::vector<model::Filesystem> m_found;
};

}  // namespace

std::vector<model::Filesystem> list_filesystems(ApplianceHandle& appliance, ApplianceRoot& root,
                                                const std::vector<std::string>& disks) {
  return FilesystemList(appliance, root).run(disks);
}

}  // namespace vmconvert::guest
