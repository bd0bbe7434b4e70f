#include <vmconvert/fixer_devices.hpp>

#include "initramfs.hpp"

namespace vmconvert::fixer::initramfs {

namespace {

std::vector<Need> ide_needs(const Facts& facts) {
  std::vector<Need> needs;
  if (disk_modules(facts).front() == "ata_piix") {
    needs.push_back({{"ata_piix"}, {"CONFIG_ATA_PIIX"}});
    needs.push_back({{"sd_mod"}, {"CONFIG_BLK_DEV_SD"}});
  } else {
    needs.push_back({{"piix"}, {"CONFIG_BLK_DEV_PIIX"}});
    needs.push_back({{"ide_disk", "ide_gd_mod"}, {"CONFIG_BLK_DEV_IDEDISK", "CONFIG_IDE_GD"}});
  }
  return needs;
}

}  // namespace

std::vector<Need> disk_needs(const Facts& facts) {
  if (facts.to == "xen") {
    std::vector<Need> needs = {{{"xen_blkfront", "xenblk"}, {"CONFIG_XEN_BLKDEV_FRONTEND"}}};
    if (facts.boots_disk) {  // HVM: Xen's devices are behind a PCI device
      needs.push_back({{"xen_platform_pci"}, {}});
    }
    return needs;
  }
  if (facts.disk_bus == "ide") {
    return ide_needs(facts);
  }
  return {{{"virtio_blk"}, {"CONFIG_VIRTIO_BLK"}}, {{"virtio_pci"}, {"CONFIG_VIRTIO_PCI"}}};
}

std::vector<Need> root_needs(const Facts& facts) {
  const Filesystem* root = facts.filesystem(facts.root_device);
  const std::string type = root == nullptr ? "" : root->type;
  if (type == "ext4") {
    return {{{"ext4"}, {"CONFIG_EXT4_FS"}}};
  }
  if (type == "ext3") {  // ext4's driver mounts it too, since 2.6.33 also under its own name
    return {{{"ext3", "ext4"}, {"CONFIG_EXT3_FS", "CONFIG_EXT4_FS"}}};
  }
  if (type == "ext2") {
    return {{{"ext2", "ext4"}, {"CONFIG_EXT2_FS", "CONFIG_EXT4_FS"}}};
  }
  if (type == "xfs") {
    return {{{"xfs"}, {"CONFIG_XFS_FS"}}};
  }
  if (type == "btrfs") {
    return {{{"btrfs"}, {"CONFIG_BTRFS_FS"}}};
  }
  return {};
}

}  // namespace vmconvert::fixer::initramfs
