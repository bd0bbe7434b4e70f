// A Xen HVM machine for a guest that was PV: where its disks are, and how it boots.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <vmconvert/xen_pvhvm.hpp>

#include "base/temp_dir.hpp"
#include "boot_files.hpp"
#include "guest/boot_path.hpp"
#include "guest/choose_hvm.hpp"
#include "guest/folder_root.hpp"
#include "unit/error_of.hpp"

namespace vmconvert::guest {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using namespace vmconvert::boot_files;

model::Layout disks(std::size_t count, std::vector<std::size_t> readonly = {}) {
  model::Layout layout;
  for (std::size_t i = 0; i < count; ++i) {
    model::TargetDisk disk;
    disk.name = std::string("vd") + static_cast<char>('a' + i);
    disk.size = {1U << 20U};
    layout.disks.push_back(disk);
  }
  for (const std::size_t i : readonly) {
    layout.disks.at(i).readonly = true;
  }
  return layout;
}

TEST(HvmHardware, PutsFourDisksWhereTheBiosSeesThem) {
  const model::Hardware two = hvm_hardware(disks(2));
  EXPECT_TRUE(two.made_hvm);
  EXPECT_EQ(two.disk_bus, "xen");
  EXPECT_THAT(two.places, ElementsAre("hda", "hdb"));
  EXPECT_THAT(two.in_guest, ElementsAre("xvda", "xvdb"));
  const model::Hardware six = hvm_hardware(disks(6));
  EXPECT_THAT(six.places, ElementsAre("hda", "hdb", "hdc", "hdd", "xvde", "xvdf"));
  EXPECT_THAT(six.in_guest, ElementsAre("xvda", "xvdb", "xvdc", "xvdd", "xvde", "xvdf"));
}

// qemu-xen has no read-only IDE disk, and libxl shows xvdb as one, too.
TEST(HvmHardware, PutsReadOnlyDisksBehindThem) {
  EXPECT_THAT(hvm_hardware(disks(3, {1})).places, ElementsAre("hda", "xvde", "hdc"));
  EXPECT_THAT(hvm_hardware(disks(3, {1})).in_guest, ElementsAre("xvda", "xvde", "xvdc"));
  EXPECT_THAT(hvm_hardware(disks(6, {3, 5})).places,
              ElementsAre("hda", "hdb", "hdc", "xvdg", "xvde", "xvdf"));
  const Error error = error_of([] { static_cast<void>(hvm_hardware(disks(2, {0}))); });
  EXPECT_EQ(error.kind(), ErrorKind::refused);
}

TEST(Pvhvm, IsKnownByTheConfigurationThenByTheVersion) {
  using pvhvm::platform_built_in;
  EXPECT_TRUE(platform_built_in("A=1\nCONFIG_XEN_PVHVM=y\nCONFIG_XEN_PVHVM_GUEST=y", "6.1.0"));
  EXPECT_TRUE(platform_built_in("CONFIG_XEN_PVHVM=y\n", "3.16.0-4-amd64"));
  EXPECT_FALSE(platform_built_in("CONFIG_XEN_PVHVM=y\n# CONFIG_XEN_PVHVM_GUEST is not set\n", "6"));
  EXPECT_FALSE(platform_built_in("CONFIG_XEN_PVHVM=y\n# CONFIG_XEN_PLATFORM_PCI is not set\n", ""));
  EXPECT_FALSE(platform_built_in("CONFIG_XEN=y\n", "6.1.0"));
  EXPECT_TRUE(platform_built_in(std::nullopt, "2.6.37"));
  EXPECT_TRUE(platform_built_in("# Written by vmconvert\nCONFIG_RD_GZIP=y\n", "6.1.0"));
  EXPECT_TRUE(platform_built_in(std::nullopt, "6.1.0-50-amd64"));
  EXPECT_FALSE(platform_built_in(std::nullopt, "2.6.32-5-xen-amd64"));
  EXPECT_FALSE(platform_built_in(std::nullopt, ""));
  EXPECT_FALSE(platform_built_in(std::nullopt, "99999999999999999999"));
}

// GRUB 2 in the disk, /boot on it; Xen's disks for the kernel.
struct HvmGuest {
  TempDir temp{std::filesystem::temp_directory_path(), "vmconvert-test"};
  FolderRoot root{temp.path(), {{"vda", temp.path() / "disk"}, {"xvda", temp.path() / "disk"}}};
  model::GuestFacts facts;
  std::string disk = grub2_boot_sector() + make_core("(,msdos1)/boot/grub");

  HvmGuest() {
    facts.filesystems = {{"vda1", "ext4", "aaaa-2", "", {}, "/"}};
    facts.root_device = facts.boot_device = "vda1";
    root.write("/boot/grub/i386-pc/normal.mod", "m");
    root.write("/boot/grub/grub.cfg",
               "search --fs-uuid --set=root aaaa-2\nmenuentry 'Linux' {\n"
               " linux /boot/vmlinuz-6.1 root=UUID=aaaa-2 ro\n initrd /boot/initrd-6.1\n}\n");
    root.write("/boot/vmlinuz-6.1", kernel_image("6.1.0"));
    root.write("/boot/initrd-6.1", cpio({"lib/xen-blkfront.ko", "lib/ext4.ko"}));
    root.write("/lib/modules/6.1.0/modules.dep", "kernel/drivers/block/xen-blkfront.ko:\n");
    root.write("/etc/fstab",
               "UUID=aaaa-2 / ext4 defaults 0 1\n/dev/xvda1 /again ext4 defaults 0 2\n");
    root.write("/sbin/init", "#!", 0755);
  }

  std::vector<std::string> holes(const std::optional<model::DirectBoot>& before = std::nullopt) {
    disk.resize(1U << 20U, '\0');
    root.write("/disk", disk);
    const model::Layout layout = disks(1);
    std::vector<std::string> names;
    for (const BootLink& link : walk_boot_path(root, facts, layout, model::TargetHypervisor::xen,
                                               hvm_hardware(layout), before)
                                    .links) {
      if (!link.ok) {
        names.push_back(link.name + ": " + link.what);
      }
    }
    return names;
  }
};

TEST(HvmBootPath, GoesThroughTheLoaderInTheDisk) {
  HvmGuest guest;
  EXPECT_THAT(guest.holes(), IsEmpty());
  EXPECT_THAT(guest.holes(model::DirectBoot{"/host/vmlinuz", {}, "root=/dev/xvda1"}), IsEmpty())
      << "the host's kernel is not started any more";
  guest.disk.clear();
  EXPECT_THAT(guest.holes(), ElementsAre("boot sector: xvda has no boot code in sector 0"));
}

TEST(HvmBootPath, NeedsXensDriversForAnHvmMachine) {
  HvmGuest guest;
  guest.root.write("/boot/initrd-6.1", cpio({"lib/virtio_blk.ko", "lib/ext4.ko"}));
  EXPECT_THAT(guest.holes(), ElementsAre("initramfs: the initramfs lacks xen-blkfront"));
  guest.root.write("/boot/initrd-6.1", cpio({"lib/xen-blkfront.ko", "lib/ext4.ko"}));
  guest.root.write("/boot/config-6.1.0", "CONFIG_XEN=y\n");
  EXPECT_THAT(guest.holes(), ElementsAre("initramfs: the initramfs lacks xen_platform_pci"));
  guest.root.write("/boot/config-6.1.0", "CONFIG_XEN_PVHVM=y\n");
  EXPECT_THAT(guest.holes(), IsEmpty());
  guest.root.write("/lib/modules/6.1.0/modules.dep", "kernel/drivers/xen/xen-platform-pci.ko:\n");
  EXPECT_THAT(guest.holes(), ElementsAre("initramfs: the initramfs lacks xen_platform_pci"));
  guest.root.write("/boot/initrd-6.1",
                   cpio({"lib/xen-blkfront.ko", "lib/ext4.ko", "lib/xen-platform-pci.ko"}));
  EXPECT_THAT(guest.holes(), IsEmpty());
}

TEST(HvmBootPath, NeedsAKernelThatStartsWithoutXensHelp) {
  HvmGuest guest;
  guest.root.write("/boot/vmlinuz-6.1", "\x1f\x8b ELF of Xen's own kernels");
  EXPECT_THAT(guest.holes(),
              ElementsAre("kernel: /boot/vmlinuz-6.1 is no kernel that boots outside Xen"));
}

}  // namespace
}  // namespace vmconvert::guest
