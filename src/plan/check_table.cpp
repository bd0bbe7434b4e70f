#include "plan/check_table.hpp"

#include <algorithm>
#include <string_view>

#include "base/error.hpp"

namespace vmconvert::plan {

using model::Finding;
using model::Severity;

const std::vector<CheckId>& check_ids() {
  static const std::vector<CheckId> k_ids = {
      // The host that the conversion runs on
      {"tool-missing", Severity::blocks, "a program that will be needed is not installed"},
      {"no-room-for-state", Severity::blocks, "the state folder has no room for the overlays"},
      {"slow-emulation", Severity::informs, "KVM does not work here: patching takes longer"},
      // The source
      {"source-running", Severity::blocks, "the source domain is running on its connection"},
      {"source-was-running", Severity::warns, "the description was taken from a running domain"},
      {"source-live", Severity::warns, "a guest that runs is read through snapshots"},
      {"source-snapshots", Severity::informs, "a source is read through a snapshot"},
      {"snapshot-impossible", Severity::blocks, "no snapshot of a source can be taken"},
      {"source-in-use", Severity::blocks, "a source disk is mounted, or open for writing"},
      {"source-shared", Severity::blocks, "another domain has the same disk"},
      {"source-autostart", Severity::warns, "the source domain starts with its host"},
      {"source-partition", Severity::informs, "a source is a physical partition"},
      {"source-disk-failing", Severity::warns, "a disk below a source has errors"},
      {"source-snapshot-full", Severity::blocks, "a source is a snapshot that overflowed"},
      {"source-snapshot-filling", Severity::warns, "a source is a snapshot that is nearly full"},
      {"volume-by-letter", Severity::warns, "a source is named by a letter that may change"},
      {"disk-shareable", Severity::warns, "a disk may be written by several domains"},
      {"no-disk", Severity::blocks, "the domain has no disk"},
      {"sector-size-4096", Severity::warns, "a source has sectors of another size than 512"},
      {"size-not-sectors", Severity::warns, "a disk does not end with a whole sector"},
      // Images
      {"image-chain-unnamed", Severity::blocks, "an image names a file that nobody named"},
      {"image-corrupt", Severity::blocks, "a qcow2 image is marked as corrupt"},
      {"image-dirty", Severity::warns, "a qcow2 image was not closed"},
      {"image-snapshots", Severity::informs, "a qcow2 image holds snapshots"},
      {"image-chain", Severity::informs, "an image consists of several files"},
      // Tables and what lies in them
      {"disk-smaller-than-table", Severity::blocks, "a partition ends behind the end of its disk"},
      {"partition-misaligned", Severity::informs, "a partition does not start at a MiB"},
      {"no-partition-table", Severity::informs, "a disk is one filesystem without a table"},
      {"small-loader-gap", Severity::informs, "little room before the first partition"},
      {"mbr-beyond-2tib", Severity::warns, "an MBR cannot describe all of its disk"},
      {"hybrid-mbr", Severity::warns, "a disk has two tables that may differ"},
      {"gpt-backup-misplaced", Severity::warns, "a GPT's backup is not at the disk's end"},
      {"encrypted-disk", Severity::warns, "a disk is encrypted"},
      {"raid-incomplete", Severity::blocks, "members of a RAID are missing"},
      {"raid-member", Severity::warns, "a disk is a member of a RAID"},
      {"bcache-disk", Severity::blocks, "a disk belongs to a bcache"},
      {"zfs-disk", Severity::blocks, "a disk belongs to a ZFS pool"},
      {"volume-group-clash", Severity::warns, "a guest's volume group is also one of the host"},
      {"filesystem-dirty", Severity::warns, "a filesystem was not unmounted"},
      {"filesystem-errors", Severity::blocks, "a filesystem is marked as damaged"},
      {"swap-hibernated", Severity::blocks, "a swap area holds a hibernated system"},
      {"duplicate-uuid", Severity::blocks, "two filesystems have the same UUID"},
      {"duplicate-label", Severity::warns, "two filesystems have the same label"},
      // The description
      {"uefi-guest", Severity::informs, "the guest boots by UEFI, its variable store is not moved"},
      {"secure-boot", Severity::warns, "the guest boots with Secure Boot"},
      {"cdrom-emptied", Severity::informs, "a CD-ROM image is not carried over"},
      {"device-left-behind", Severity::warns, "a device of the old host is not carried over"},
      {"hugepages-left-behind", Severity::informs, "huge pages are not asked for any more"},
      {"pinning-left-behind", Severity::informs, "binding to processors is not carried over"},
      // The inside
      {"unknown-os", Severity::warns, "the distribution inside is not known"},
      {"shared-identity", Severity::warns, "a copy would share an identity with the original"},
      {"guest-note", Severity::informs, "something odd inside the guest that did no harm"},
      {"several-roots", Severity::warns, "several filesystems hold a system"},
      {"filesystem-unreadable", Severity::warns, "the appliance cannot mount a filesystem"},
      {"low-space", Severity::warns, "a filesystem of the guest is nearly full"},
      {"low-inodes", Severity::warns, "a filesystem of the guest has few inodes left"},
      {"menu-unknown-filesystem", Severity::warns, "the boot menu names an unknown filesystem"},
      {"uefi-no-fallback", Severity::informs, "a UEFI guest has no fallback loader"},
      {"selinux-enforcing", Severity::informs, "SELinux is enforcing"},
      {"overlay-network", Severity::warns, "the guest is a node of an overlay network"},
      {"several-network-managers", Severity::warns, "several programs configure the network"},
      {"cloud-init-network", Severity::warns, "cloud-init may rewrite the network"},
      {"address-in-files", Severity::informs, "files name the guest's address"},
      {"data-services", Severity::informs, "the guest holds databases, containers or queues"},
      {"service-not-stopped", Severity::warns, "such a service was not stopped cleanly"},
      {"old-agents", Severity::informs, "agents of another place are installed"},
      {"credentials-inside", Severity::informs, "the guest holds private keys and tokens"},
      // The target
      {"target-exists", Severity::blocks, "a file or volume that would be made exists already"},
      {"no-space", Severity::blocks, "the place for the new disks has too little room"},
      {"target-pool-filling", Severity::warns, "the thin pool will be nearly full"},
      {"target-pool-overcommitted", Severity::warns, "the thin pool promises more than it has"},
      {"name-defined", Severity::blocks, "the target hypervisor has a domain of that name"},
      {"uuid-defined", Severity::blocks, "the target hypervisor has a domain of that UUID"},
      {"name-long", Severity::warns, "the name is too long to be a host's name"},
      {"mac-in-use", Severity::blocks, "another domain has the same MAC address"},
      {"target-memory", Severity::blocks, "the target host has less memory than the guest"},
      {"target-memory-tight", Severity::warns, "the memory is taken by others at present"},
      {"target-cpus", Severity::warns, "the target host has fewer processors than the guest"},
      {"target-machine", Severity::blocks, "the target runs no machine of this kind"},
      {"target-firmware", Severity::blocks, "the target has no UEFI firmware for the guest"},
      {"target-cpu-level", Severity::warns, "the guest is built for newer processors"},
      {"bridge-missing", Severity::warns, "a bridge is not on the target host"},
      {"network-missing", Severity::warns, "a libvirt network is not on the target"},
      {"job-unfinished", Severity::warns, "an earlier run for this guest left something behind"},
      {"emulated-devices", Severity::informs, "the guest drives no virtio: IDE, e1000, rtl8139"},
      {"ide-places", Severity::blocks, "more disks than IDE has places for"},
      {"no-network-driver", Severity::warns, "the guest drives none of KVM's network cards"},
      {"kernel-package", Severity::blocks, "a supplied package cannot be installed in the guest"},
      {"kernel-not-pvh", Severity::blocks, "the kernel that would be started cannot run as PVH"},
      {"boot-path-broken", Severity::blocks, "a link between boot sector and init is missing"},
  };
  return k_ids;
}

Finding make_finding(const char* id, Severity severity, std::string message, std::string remedy) {
  return {id, severity, std::move(message), std::move(remedy)};
}

Finding make_finding(const char* id, std::string message, std::string remedy) {
  const auto& ids = check_ids();
  const auto row = std::find_if(ids.begin(), ids.end(), [&](const CheckId& known) {
    return std::string_view(known.id) == id;
  });
  if (row == ids.end()) {
    throw Error(ErrorKind::internal, std::string("no check is named ") + id);
  }
  return make_finding(id, row->severity, std::move(message), std::move(remedy));
}

}  // namespace vmconvert::plan
