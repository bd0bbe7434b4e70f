// What was read inside the guest. Device names are those of the target: vda1, vgroup/lvol.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/units.hpp"

namespace vmconvert::model {

// Of MD, Linux' software RAID.
struct Array {
  std::string uuid;      // as blkid(8) writes it of its members
  std::string level;     // raid1, raid5, linear...
  std::string metadata;  // 0.90, 1.0, 1.1, 1.2
  // What the guest may call it: md0, md/0, md/system. By its superblocks, and its mdadm.conf.
  std::vector<std::string> names;

  bool operator==(const Array&) const = default;
};

struct Filesystem {
  std::string device;  // vda1, vg/lv, or md127: of an array, as the appliance calls it
  std::string type;    // ext3, xfs, swap, LVM2_member, unknown...
  std::string uuid;
  std::string label;
  ByteCount size;
  std::string mountpoint;           // of the guest's fstab; empty when it is not mounted
  std::optional<Array> array = {};  // that it lies on
};

struct Kernel {
  std::string version;   // as in /lib/modules
  std::string image;     // /boot/vmlinuz-VERSION; empty: modules without a kernel image
  std::string initrd;    // may be empty
  bool modules = false;  // /lib/modules/VERSION is there
};

struct GuestFacts {
  std::string os_name;       // PRETTY_NAME, or what /etc/issue says
  std::string distribution;  // debian, ubuntu, rhel...; empty when unknown
  std::string arch;          // of /sbin/init's ELF header: x86_64, i386...
  std::string init;          // systemd, upstart, sysvinit, other
  std::string hostname;
  std::string root_device;  // vda2, vg/root
  std::string boot_device;  // the filesystem that holds /boot: may be root_device
  std::vector<Filesystem> filesystems;
  std::vector<Kernel> kernels;  // newest first
  std::string loader;           // in the disk's boot sector: none, grub2, grub-legacy, unknown
  std::string menu;  // the configuration that was booted from, path in the guest; may be empty
  std::vector<std::string> identities;  // overlay VPNs and the like that a copy would share
};

}  // namespace vmconvert::model
