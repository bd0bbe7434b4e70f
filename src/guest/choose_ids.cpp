// Which ids the guest's storage gets, and what keeps the one it has.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/text.hpp"
#include "guest/array_ids.hpp"
#include "guest/btrfs_devices.hpp"
#include "guest/device_names.hpp"
#include "guest/fat_ids.hpp"
#include "guest/inspect.hpp"
#include "guest/luks_ids.hpp"
#include "guest/lvm_ids.hpp"
#include "guest/new_ids.hpp"
#include "guest/table_ids.hpp"

namespace vmconvert::guest {
namespace {

using model::IdChange;
using model::IdKind;

// What xfs_admin does to a filesystem with checksums is a feature of its own (META_UUID), which
// came with Linux 4.3 (xfs_admin(8), fs/xfs/libxfs/xfs_format.h).
bool is_xfs_with_checksums(GuestRoot& guest, const model::Filesystem& fs) {
  constexpr std::size_t k_version = 100;
  const std::string block = guest.read_disk(fs.device, 0, k_sector_size);
  return block.size() == k_sector_size && block.starts_with("XFSB") &&
         (static_cast<unsigned char>(block[k_version + 1]) & 0xfU) == 5;
}

std::string oldest_kernel(const model::GuestFacts& facts) {
  std::string oldest;
  for (const model::Kernel& kernel : facts.kernels) {
    if (!kernel.image.empty() && (oldest.empty() || compare_versions(kernel.version, oldest) < 0)) {
      oldest = kernel.version;
    }
  }
  return oldest;
}

class Chooser {
 public:
  Chooser(GuestRoot& guest, const model::GuestFacts& facts, const model::Layout& layout,
          const IdMaker& make)
      : m_guest(guest), m_facts(facts), m_layout(layout), m_make(make) {}

  NewIds run() {
    for (const model::Filesystem& fs : m_facts.filesystems) {
      if (!fs.uuid.empty()) {
        choose(fs);
      }
    }
    for (const model::TargetDisk& disk : m_layout.disks) {
      if (!disk.readonly) {
        choose(disk);
      }
    }
    return std::move(m_result);
  }

 private:
  void keep(const model::Filesystem& fs, const std::string& why) {
    m_result.kept.push_back(kept_id(fs.device, fs.type, why));
  }

  void choose(const model::Filesystem& fs) {
    const auto twins = std::count_if(m_facts.filesystems.begin(), m_facts.filesystems.end(),
                                     [&](const model::Filesystem& other) {
                                       return lower_case(other.uuid) == lower_case(fs.uuid);
                                     });
    if (fs.type == "linux_raid_member") {
      return choose_array(fs);
    }
    if (twins > 1 && fs.type == "btrfs" && is_one_btrfs(m_guest, m_facts.filesystems, fs.uuid)) {
      if (!is_chosen(fs.uuid)) {
        add(IdKind::filesystem, fs.device, fs.type, fs.uuid, m_make({"btrfs", fs.uuid}));
      }
      return;
    }
    if (twins > 1) {
      return keep(fs, "two filesystems have this UUID, so nobody can say which one is meant by it");
    }
    if (fs.type == "xfs" && is_xfs_with_checksums(m_guest, fs)) {
      const std::string kernel = oldest_kernel(m_facts);
      if (!kernel.empty() && compare_versions(kernel, "4.3") < 0) {
        return keep(fs, fmt::format("its kernel {} does not know XFS with a changed UUID",
                                    printable(kernel)));
      }
    }
    if (fs.type == "LVM2_member") {
      return choose_volume(fs);
    }
    if (fs.type == "vfat") {
      return choose_fat(fs);
    }
    if (fs.type == "crypto_LUKS" && read_luks_id(m_guest, fs.device) != fs.uuid) {
      return keep(fs, "its header cannot be read in full");
    }
    if (fs.type.starts_with("ext") || fs.type == "xfs" || fs.type == "btrfs" || fs.type == "swap" ||
        fs.type == "crypto_LUKS") {
      add(IdKind::filesystem, fs.device, fs.type, fs.uuid,
          m_make({"filesystem", fs.device, fs.uuid}));
    } else {
      keep(fs, "vmconvert does not change that kind");
    }
  }

  [[nodiscard]] bool is_chosen(const std::string& uuid) const {
    return std::any_of(m_result.changes.begin(), m_result.changes.end(),
                       [&](const IdChange& change) { return change.from == uuid; });
  }

  // All members carry it: where one cannot be changed, none is.
  void choose_array(const model::Filesystem& fs) {
    if (is_chosen(fs.uuid)) {
      return;
    }
    const bool all = std::all_of(m_facts.filesystems.begin(), m_facts.filesystems.end(),
                                 [&](const model::Filesystem& part) {
                                   return part.type != fs.type || part.uuid != fs.uuid ||
                                          read_array_id(m_guest, part.device, part.size) == fs.uuid;
                                 });
    if (!all) {
      return keep(fs, "a member of its array cannot be read in full, or has a journal");
    }
    if (grub_names("mduuid/" + replace_all(fs.uuid, "-", ""))) {
      return keep(fs, "GRUB finds its files by it");
    }
    add(IdKind::array, fs.device, fs.type, fs.uuid, m_make({"array", fs.uuid}));
  }

  void choose_fat(const model::Filesystem& fs) {
    if (read_fat_id(m_guest, fs.device) != fs.uuid) {
      return keep(fs, "its volume ID is not where FAT has it");
    }
    const std::string made = replace_all(m_make({"filesystem", fs.device, fs.uuid}), "-", "");
    std::string to = made.substr(0, 4) + "-" + made.substr(4, 4);
    std::transform(to.begin(), to.end(), to.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    add(IdKind::filesystem, fs.device, fs.type, fs.uuid, to);
  }

  // All of a group carry the ids of all: where one cannot be read, none is changed.
  bool all_volumes_can_be_read() {
    return std::all_of(m_facts.filesystems.begin(), m_facts.filesystems.end(),
                       [&](const model::Filesystem& fs) {
                         return fs.type != "LVM2_member" || read_lvm_ids(m_guest, fs.device);
                       });
  }

  // GRUB's core image finds /boot by such a name of its device, and its menu shows it.
  bool grub_names(const std::string& device) {
    return m_facts.loader == "grub2" && !m_facts.menu.empty() &&
           m_guest.read_if_there(m_facts.menu).value_or("").find(device) != std::string::npos;
  }

  void choose_volume(const model::Filesystem& fs) {
    const auto ids = all_volumes_can_be_read() ? read_lvm_ids(m_guest, fs.device) : std::nullopt;
    if (!ids || ids->volume != fs.uuid) {
      return keep(fs, "the metadata of LVM cannot be read in full");
    }
    const auto make = [&](const char* what, const std::string& old) {
      return lvm_id_of(replace_all(m_make({what, old}), "-", ""));
    };
    add(IdKind::physical_volume, fs.device, fs.type, fs.uuid, make("physical-volume", fs.uuid));
    if (ids->group.empty() || is_chosen(ids->group)) {
      return;
    }
    const std::string name = printable(ids->name);
    if (!grub_names("lvmid/" + ids->group)) {
      add(IdKind::volume_group, name, "LVM", ids->group, make("volume-group", ids->group));
    } else if (m_groups_kept.insert(name).second) {
      m_result.kept.push_back(kept_id(name, "volume group", "GRUB finds its files by it"));
    }
  }

  void choose(const model::TargetDisk& disk) {
    const std::string from = table_id(m_guest, disk);
    if (from.empty()) {
      return;
    }
    const char* type = model::to_string(disk.table);
    const std::string made = m_make({"table", disk.name, from});
    const bool gpt = disk.table == model::TableKind::gpt;
    const std::string to = gpt ? made : made.substr(0, from.size());
    add(IdKind::disk, disk.name, type, from, to);
    for (const model::Partition& part : disk.partitions) {
      const std::string device = model::partition_name(disk.name, part.number);
      const std::string old = partition_uuid(m_guest, disk.name, part.number);
      if (!old.empty()) {
        add(IdKind::partition, device, type, old,
            gpt ? m_make({"partition", device, old}) : to + old.substr(from.size()));
      }
    }
  }

  void add(IdKind kind, const std::string& device, const std::string& type, const std::string& from,
           const std::string& to) {
    m_result.changes.push_back({kind, device, type, from, to});
  }

  GuestRoot& m_guest;
  const model::GuestFacts& m_facts;
  const model::Layout& m_layout;
  const IdMaker& m_make;
  NewIds m_result;
  std::set<std::string> m_groups_kept;
};

}  // namespace

NewIds choose_new_ids(GuestRoot& guest, const model::GuestFacts& facts, const model::Layout& layout,
                      const IdMaker& make) {
  return Chooser(guest, facts, layout, make).run();
}

}  // namespace vmconvert::guest
