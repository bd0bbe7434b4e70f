#include "guest/inspect_disks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/error.hpp"
#include "base/text.hpp"
#include "guest/arrays.hpp"
#include "guest/btrfs_devices.hpp"
#include "guest/device_names.hpp"
#include "guest/fstab.hpp"
#include "guest/gpt_partitions.hpp"
#include "guest/grub_config.hpp"

namespace vmconvert::guest {
namespace {

bool is_mountable(const model::Filesystem& fs) {
  static const std::set<std::string> k_types = {"ext2", "ext3",     "ext4", "ext4dev",
                                                "xfs",  "reiserfs", "jfs",  "btrfs"};
  return k_types.contains(fs.type);
}

// FAT has no owners and no links: nothing of a system is expected on it but its UEFI loaders.
bool is_efi_partition(const model::Filesystem& fs, const std::string& mountpoint) {
  return fs.type == "vfat" &&
         (mountpoint == "/boot/efi" || mountpoint == "/efi" || mountpoint == "/boot");
}

// A filesystem that was looked into.
struct Candidate {
  const model::Filesystem* filesystem = nullptr;
  std::string subvolume;  // of btrfs, where the system lives; mostly empty
  bool is_root = false;
  std::vector<std::string> menus;
};

std::string describe(const model::Filesystem& fs) {
  return fmt::format("{} ({})", fs.device, fs.type);
}

class GuestMounter {
 public:
  GuestMounter(ApplianceHandle& appliance, ApplianceRoot& root,
               const std::vector<model::DeviceRename>& renames, const RootHint& hint)
      : m_appliance(appliance), m_root(root), m_renames(renames), m_hint(hint) {}

  MountedGuest run(const std::vector<std::string>& disks) {
    m_result.facts.filesystems = list_filesystems(m_appliance, m_root, disks);
    for (const model::Filesystem& fs : m_result.facts.filesystems) {
      if (is_mountable(fs) && !is_seen_part(fs)) {
        m_candidates.push_back(look_into(fs));
        if (m_candidates.back().is_root) {
          m_result.roots.push_back(fs.device);
        }
      }
    }
    mount_by_type(disks, mount_from_fstab(choose_root()));
    return std::move(m_result);
  }

 private:
  [[nodiscard]] DeviceNames names() { return {m_result.facts.filesystems, m_renames, &m_root}; }

  bool mount(const model::Filesystem& fs, const std::string& options, const std::string& where) {
    const std::string device = m_root.to_appliance(fs.device);
    return guestfs_mount_options(m_appliance.get(), options.c_str(), device.c_str(),
                                 where.c_str()) == 0;
  }

  void unmount() { m_appliance.check(guestfs_umount_all(m_appliance.get()), "unmounting"); }

  // A btrfs on several devices can be mounted by each of them. Copies stay two, and are refused.
  [[nodiscard]] bool is_seen_part(const model::Filesystem& fs) {
    return fs.type == "btrfs" &&
           std::any_of(m_candidates.begin(), m_candidates.end(),
                       [&](const Candidate& seen) {
                         return seen.filesystem->type == "btrfs" &&
                                seen.filesystem->uuid == fs.uuid;
                       }) &&
           is_one_btrfs(m_root, m_result.facts.filesystems, fs.uuid);
  }

  Candidate look_into(const model::Filesystem& fs) {
    Candidate candidate{&fs, {}, false, {}};
    std::vector<std::string> subvolumes = {""};
    if (fs.type == "btrfs") {
      subvolumes.insert(subvolumes.end(), {"@", "root", "@root"});
    }
    for (const std::string& subvolume : subvolumes) {
      const std::string options = subvolume.empty() ? "ro" : "ro,subvol=" + subvolume;
      if (mount(fs, options, "/")) {
        look_at_tree(candidate);
        unmount();
        if (candidate.is_root) {
          candidate.subvolume = subvolume;
          break;
        }
      } else if (subvolume.empty()) {
        m_result.unread.push_back({fs.device, fs.type, m_appliance.last_error()});
        break;
      }
    }
    return candidate;
  }

  // One question to the appliance for all signs of a system and of a boot menu.
  void look_at_tree(Candidate& candidate) {
    constexpr const char* k_signs =
        "/{bin,usr,etc/fstab,etc/inittab,etc/os-release,usr/lib/os-release,sbin/init,"
        "lib/systemd/systemd,usr/lib/systemd/systemd,boot/grub/menu.lst,boot/grub/grub.conf,"
        "boot/grub/grub.cfg,boot/grub2/grub.cfg,grub/menu.lst,grub/grub.conf,grub/grub.cfg,"
        "grub2/grub.cfg}";
    const std::vector<std::string> found =
        m_appliance.list(guestfs_glob_expand_opts(m_appliance.get(), k_signs,
                                                  GUESTFS_GLOB_EXPAND_OPTS_DIRECTORYSLASH, 0, -1),
                         "looking for an operating system");
    bool programs = false;
    bool system = false;
    for (const std::string& path : found) {
      if (path == "/bin" || path == "/usr") {
        programs = true;
      } else if (path.find("/grub") != std::string::npos) {
        candidate.menus.push_back(path);
      } else {
        system = true;
      }
    }
    candidate.is_root = programs && system;
  }

  const Candidate& choose_root() {
    std::vector<const Candidate*> roots;
    for (const Candidate& candidate : m_candidates) {
      if (candidate.is_root) {
        roots.push_back(&candidate);
      }
    }
    if (!m_hint.chosen.empty()) {
      return chosen_root(roots);
    }
    if (roots.empty()) {
      throw Error(ErrorKind::bad_input,
                  fmt::format("no operating system found on the guest's disks; seen: {}", seen()),
                  "check that all disks of the guest are given, in their order");
    }
    if (roots.size() == 1) {
      return *roots.front();
    }
    std::vector<std::string> wishes = {m_hint.root_device};
    if (m_hint.root_device.empty()) {
      wishes = roots_of_menus();
    }
    std::set<const Candidate*> wanted;
    for (const Candidate* root : roots) {
      for (const std::string& wish : wishes) {
        if (names().find(wish) == root->filesystem) {
          wanted.insert(root);
        }
      }
    }
    if (wanted.size() == 1) {
      return **wanted.begin();
    }
    throw Error(ErrorKind::refused,
                fmt::format("the guest has {} root filesystems and its boot arguments do not say "
                            "which is meant: {}",
                            roots.size(), list_of(roots)),
                "name the one that is meant with --root DEVICE");
  }

  const Candidate& chosen_root(const std::vector<const Candidate*>& roots) {
    const std::string& chosen = m_hint.chosen;
    const bool plain = !chosen.starts_with("/dev/") && chosen.find('=') == std::string::npos;
    const model::Filesystem* fs = names().find(plain ? "/dev/" + chosen : chosen);
    for (const Candidate* root : roots) {
      if (root->filesystem == fs) {
        return *root;
      }
    }
    throw Error(
        ErrorKind::bad_input,
        fmt::format("--root {} is no root filesystem of the guest; seen: {}", chosen, seen()),
        roots.empty() ? std::string() : "choose from " + list_of(roots));
  }

  static std::string list_of(const std::vector<const Candidate*>& roots) {
    std::vector<std::string> parts;
    parts.reserve(roots.size());
    for (const Candidate* root : roots) {
      parts.push_back(describe(*root->filesystem));
    }
    return join(parts, ", ");
  }

  [[nodiscard]] std::string seen() const {
    std::vector<std::string> parts;
    for (const model::Filesystem& fs : m_result.facts.filesystems) {
      parts.push_back(describe(fs));
    }
    return parts.empty() ? "no filesystem at all" : join(parts, ", ");
  }

  // What the boot menus in the filesystems themselves say about root=.
  std::vector<std::string> roots_of_menus() {
    std::vector<std::string> wishes;
    for (const Candidate& candidate : m_candidates) {
      if (candidate.menus.empty() || !mount(*candidate.filesystem, "ro", "/")) {
        continue;
      }
      for (const std::string& path : candidate.menus) {
        if (!m_root.is_file(path)) {
          continue;
        }
        const std::string text = m_root.read(path);
        const BootMenu menu =
            path.ends_with("grub.cfg") ? read_grub2_menu(text) : read_legacy_menu(text);
        if (menu.chosen) {
          wishes.push_back(menu.entries[*menu.chosen].argument("root"));
        }
      }
      unmount();
    }
    return wishes;
  }

  std::vector<FstabEntry> mount_from_fstab(const Candidate& chosen) {
    const model::Filesystem root = *chosen.filesystem;
    const std::string options = chosen.subvolume.empty() ? "" : "subvol=" + chosen.subvolume;
    if (!mount(root, options, "/")) {
      m_appliance.fail(fmt::format("mounting the guest's root {}", describe(root)));
    }
    m_result.mounts.push_back({root.device, options, "/"});
    set_mountpoint(root.device, "/");
    m_result.facts.root_device = root.device;
    m_result.facts.boot_device = root.device;
    for (const char* path : {"/etc/mdadm/mdadm.conf", "/etc/mdadm.conf"}) {
      if (const auto text = m_root.read_if_there(path)) {
        name_by_configuration(m_result.facts.filesystems, *text);
      }
    }
    std::vector<FstabEntry> entries;
    if (const auto text = m_root.read_if_there("/etc/fstab")) {
      entries = read_fstab(*text);
    }
    // A mount point may lie in another filesystem.
    std::stable_sort(entries.begin(), entries.end(), [](const FstabEntry& a, const FstabEntry& b) {
      return a.mountpoint < b.mountpoint;
    });
    for (const FstabEntry& entry : entries) {
      mount_entry(entry);
    }
    return entries;
  }

  // What systemd mounts without a line in fstab. It does so only where the guest was started from
  // that partition, which nobody knows here: without loaders it is left alone.
  void mount_by_type(const std::vector<std::string>& disks, const std::vector<FstabEntry>& fstab) {
    const std::string disk = disk_of_root(m_result.facts.root_device, disks);
    if (disk.empty()) {
      return;
    }
    const std::int64_t size =
        guestfs_blockdev_getsize64(m_appliance.get(), m_root.to_appliance(disk).c_str());
    if (size < 0) {
      m_appliance.fail(fmt::format("asking for the size of {}", disk));
    }
    for (const MountByType& one :
         mounts_by_type(m_root, m_result.facts, fstab, disk, static_cast<std::uint64_t>(size))) {
      const auto& all = m_result.facts.filesystems;
      const auto fs = std::find_if(all.begin(), all.end(), [&](const model::Filesystem& each) {
        return each.device == one.device;
      });
      if (fs == all.end() || !(is_mountable(*fs) || is_efi_partition(*fs, one.mountpoint)) ||
          !mount(*fs, "", one.mountpoint)) {
        continue;
      }
      if (!has_loaders(one.mountpoint)) {
        m_appliance.check(guestfs_umount(m_appliance.get(), one.mountpoint.c_str()), "unmounting");
        continue;
      }
      m_result.mounts.push_back({fs->device, "", one.mountpoint});
      if (one.mountpoint == "/boot") {
        m_result.facts.boot_device = fs->device;
      }
      set_mountpoint(one.device, one.mountpoint);
    }
  }

  bool has_loaders(const std::string& folder) {
    const std::vector<std::string> found = m_root.list(folder);
    return std::any_of(found.begin(), found.end(), [](const std::string& name) {
      return name == "loader" || name == "EFI" || name == "efi";
    });
  }

  void mount_entry(const FstabEntry& entry) {
    const std::string where = fmt::format("line {} of /etc/fstab", entry.line);
    if (entry.is_swap() || entry.mountpoint == "/" || !entry.mountpoint.starts_with('/') ||
        !entry.is_local_device()) {
      return;
    }
    const model::Filesystem* fs = names().find(entry.device);
    const bool efi = fs != nullptr && is_efi_partition(*fs, entry.mountpoint);
    // Loaders and kernels are needed even if the guest itself mounts them only for updates.
    if (entry.has_option("noauto") && entry.mountpoint != "/boot" && !efi) {
      return;
    }
    if (fs == nullptr) {
      m_result.notes.push_back(fmt::format("{}: {} is not there", where, printable(entry.device)));
      return;
    }
    const std::string subvolume = entry.option_value("subvol");
    if (!(is_mountable(*fs) || efi) || (!fs->mountpoint.empty() && subvolume.empty())) {
      return;
    }
    // A link as a mount point would lead out of the guest, into the appliance.
    if (m_root.lstat(entry.mountpoint).kind != FileKind::directory) {
      m_result.notes.push_back(
          fmt::format("{}: {} is no folder", where, printable(entry.mountpoint)));
      return;
    }
    const std::string options = subvolume.empty() ? "" : "subvol=" + subvolume;
    if (!mount(*fs, options, entry.mountpoint)) {
      m_result.notes.push_back(fmt::format("{}: {} cannot be mounted: {}", where, describe(*fs),
                                           m_appliance.last_error()));
      return;
    }
    m_result.mounts.push_back({fs->device, options, entry.mountpoint});
    if (entry.mountpoint == "/boot") {
      m_result.facts.boot_device = fs->device;
    }
    if (fs->mountpoint.empty()) {
      set_mountpoint(fs->device, entry.mountpoint);
    }
  }

  void set_mountpoint(const std::string& device, const std::string& mountpoint) {
    for (model::Filesystem& fs : m_result.facts.filesystems) {
      if (fs.device == device) {
        fs.mountpoint = mountpoint;
      }
    }
  }

  ApplianceHandle& m_appliance;
  ApplianceRoot& m_root;
  const std::vector<model::DeviceRename>& m_renames;
  const RootHint& m_hint;
  MountedGuest m_result;
  std::vector<Candidate> m_candidates;  // points into m_result.facts.filesystems
};

}  // namespace

MountedGuest mount_guest(ApplianceHandle& appliance, ApplianceRoot& root,
                         const std::vector<std::string>& disks,
                         const std::vector<model::DeviceRename>& renames, const RootHint& hint) {
  return GuestMounter(appliance, root, renames, hint).run(disks);
}

}  // namespace vmconvert::guest
