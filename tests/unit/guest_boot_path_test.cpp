#include "guest/boot_path.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "base/temp_dir.hpp"
#include "base/text.hpp"
#include "boot_files.hpp"
#include "guest/boot_sector.hpp"
#include "guest/folder_root.hpp"
#include "guest/grub2_core.hpp"

namespace vmconvert::guest {
namespace {

namespace fs = std::filesystem;
using model::TargetHypervisor;
using namespace vmconvert::boot_files;

// A KVM guest that boots: GRUB 2, /boot of its own, ext3 root.
struct Guest {
  TempDir temp{fs::temp_directory_path(), "vmconvert-test"};
  FolderRoot root{temp.path(), {{"vda", temp.path() / "disk"}}};
  model::GuestFacts facts;
  model::Layout layout;
  std::string disk = grub2_boot_sector() + make_core("(,msdos1)/grub");

  Guest() {
    facts.filesystems = {{"vda1", "ext2", "b00b-1", "", {}, "/boot"},
                         {"vda2", "ext3", "aaaa-2", "", {}, "/"},
                         {"vda3", "swap", "cccc-3", "", {}, ""}};
    facts.root_device = "vda2";
    facts.boot_device = "vda1";
    model::TargetDisk vda;
    vda.name = "vda";
    vda.size = {1U << 20U};
    layout.disks = {vda};
    root.write("/boot/grub/i386-pc/normal.mod", "m");
    set_menu("root=UUID=aaaa-2 ro");
    root.write("/boot/vmlinuz-6.1", kernel_image("6.1.0"));
    set_initramfs({"lib/modules/6.1.0/kernel/virtio_blk.ko",
                   "lib/modules/6.1.0/kernel/virtio_pci.ko.xz",
                   "lib/modules/6.1.0/kernel/fs/ext4.ko"});
    root.write("/lib/modules/6.1.0/modules.builtin", "kernel/fs/ext2/ext2.ko\n");
    root.write("/etc/fstab",
               "UUID=aaaa-2 / ext3 defaults 0 1\n/dev/vda1 /boot ext2 defaults 0 2\n"
               "UUID=cccc-3 none swap sw 0 0\n/dev/sdz1 /usb vfat noauto 0 0\n"
               "/dev/sdy1 /usb2 vfat nofail 0 0\ntmpfs /tmp tmpfs defaults 0 0\n");
    root.write("/sbin/init", "#!", 0755);
  }

  void set_menu(const std::string& arguments) {
    root.write("/boot/grub/grub.cfg",
               "search --fs-uuid --set=root b00b-1\nmenuentry 'Linux' {\n linux /vmlinuz-6.1 " +
                   arguments + "\n initrd /initrd-6.1\n}\n");
  }
  void set_initramfs(const std::vector<std::string>& paths) {
    root.write("/boot/initrd-6.1", cpio(paths));
  }

  BootPath walk(TargetHypervisor to = TargetHypervisor::kvm) {
    std::string padded_disk = disk;
    padded_disk.resize(1U << 20U, '\0');
    root.write("/disk", padded_disk);
    return walk_boot_path(root, facts, layout, to);
  }

  // The names of the links that are not there.
  std::vector<std::string> holes(TargetHypervisor to = TargetHypervisor::kvm) {
    std::vector<std::string> names;
    for (const BootLink& link : walk(to).links) {
      if (!link.ok) {
        names.push_back(link.name);
        EXPECT_FALSE(link.what.empty());
        EXPECT_FALSE(link.remedy.empty());
      }
    }
    return names;
  }
};

using Names = std::vector<std::string>;

TEST(BootPath, of_a_good_guest_is_complete) {
  Guest guest;
  const BootPath path = guest.walk();
  EXPECT_TRUE(path.complete());
  EXPECT_TRUE(path.findings().empty());
  Names names;
  for (const BootLink& link : path.links) {
    names.push_back(link.name);
    EXPECT_TRUE(link.ok) << link.name << ": " << link.what;
  }
  EXPECT_EQ(names, (Names{"boot sector", "loader core", "loader files", "menu", "kernel", "modules",
                          "initramfs", "root", "fstab", "init"}));
}

TEST(BootPath, needs_boot_code) {
  Guest guest;
  guest.disk = std::string(512, '\0');
  EXPECT_EQ(guest.holes(), Names{"boot sector"});
  put(guest.disk, 0, "LILO");
  put(guest.disk, 510, "\x55\xaa");
  EXPECT_EQ(guest.holes(), Names{"boot sector"});
  guest.layout.disks.clear();
  EXPECT_EQ(guest.holes(), Names{"boot sector"});
}

TEST(BootPath, needs_the_filesystem_that_the_core_searches_for) {
  Guest guest;
  guest.disk = grub2_boot_sector() + make_core("/grub", "search.fs_uuid b00b-1 root hd0,msdos1 \n");
  EXPECT_TRUE(guest.walk().complete());
  guest.facts.filesystems[0].uuid = "b00b-9";
  guest.root.write("/boot/grub/grub.cfg",
                   replace_all(guest.root.read("/boot/grub/grub.cfg"), "b00b-1", "b00b-9"));
  EXPECT_EQ(guest.holes(), Names{"loader files"});
}

TEST(BootPath, needs_the_core_where_the_boot_sector_says) {
  Guest guest;
  const std::string good = guest.disk;
  guest.disk = grub2_boot_sector();
  EXPECT_EQ(guest.holes(), Names{"loader core"});
  guest.disk = good;
  put(guest.disk, 0x5c, number(1ULL << 60U, 8));
  EXPECT_EQ(guest.holes(), Names{"loader core"});
  guest.disk = good;
  put(guest.disk, 512 + 500, number(~0ULL - 3, 8));
  EXPECT_EQ(guest.holes(), Names{"loader core"});
}

TEST(BootPath, needs_the_folder_that_the_core_names) {
  for (const char* prefix : {"(,msdos2)/grub", "(,msdos7)/grub", "(hd3,msdos1)/grub", "(x)/grub"}) {
    Guest guest;
    guest.disk = grub2_boot_sector() + make_core(prefix);
    EXPECT_EQ(guest.holes(), Names{"loader files"}) << prefix;
  }
  Guest guest;
  guest.root.remove("/boot/grub/i386-pc/normal.mod");
  EXPECT_EQ(guest.holes(), Names{"loader files"});
}

TEST(BootPath, needs_the_kernel_of_the_default_entry) {
  Guest guest;
  guest.root.remove("/boot/vmlinuz-6.1");
  EXPECT_EQ(guest.holes(), Names{"kernel"});
  guest.root.write("/boot/vmlinuz-6.1", "\x1f\x8b a kernel for Xen only" + std::string(4096, 'x'));
  EXPECT_EQ(guest.holes(), Names{"kernel"});
  guest.root.write("/boot/vmlinuz-6.1", kernel_image("5.0"));
  EXPECT_EQ(guest.holes(), (Names{"modules"}));
}

TEST(BootPath, needs_drivers_for_the_targets_disk) {
  Guest guest;
  guest.set_initramfs({"lib/xen-blkfront.ko", "lib/ext4.ko", "lib/virtio_blk.ko"});
  EXPECT_EQ(guest.holes(), Names{"initramfs"});
  EXPECT_NE(guest.walk().findings().at(0).message.find("virtio_pci"), std::string::npos);
  guest.root.write("/lib/modules/6.1.0/modules.builtin", "kernel/drivers/virtio/virtio-pci.ko\n");
  EXPECT_EQ(guest.holes(), Names{});
  guest.set_initramfs({"lib/virtio_blk.ko"});
  EXPECT_EQ(guest.holes(), Names{"initramfs"});
  guest.root.write("/boot/initrd-6.1", "no archive at all");
  EXPECT_EQ(guest.holes(), Names{"initramfs"});
  guest.root.remove("/boot/initrd-6.1");
  EXPECT_EQ(guest.holes(), Names{"initramfs"});
}

TEST(BootPath, needs_lvm_for_a_root_in_a_volume) {
  Guest guest;
  guest.facts.filesystems[1].device = guest.facts.root_device = "vg/root";
  guest.root.write("/etc/fstab", "/dev/mapper/vg-root / ext3 defaults 0 1\n");
  guest.set_menu("root=/dev/mapper/vg-root ro");
  EXPECT_EQ(guest.holes(), Names{"initramfs"});
  guest.set_initramfs(
      {"lib/virtio_blk.ko", "lib/virtio_pci.ko", "lib/ext3.ko", "lib/dm-mod.ko", "usr/sbin/lvm"});
  EXPECT_EQ(guest.holes(), Names{});
}

TEST(BootPath, needs_a_root_that_is_there) {
  Guest guest;
  for (const char* arguments :
       {"ro", "root=/dev/xvda2", "root=UUID=dead", "root=/dev/vda1", "root=LABEL="}) {
    guest.set_menu(arguments);
    EXPECT_EQ(guest.holes(), Names{"root"}) << arguments;
  }
  guest.root.write("/boot/config-6.1.0",
                   "\nCONFIG_VIRTIO_BLK=y\nCONFIG_VIRTIO_PCI=y\nCONFIG_EXT4_FS=y\n");
  guest.root.write("/boot/grub/grub.cfg", "linux (hd0,1)/vmlinuz-6.1 root=UUID=aaaa-2\n");
  EXPECT_EQ(guest.holes(), Names{"root"});
  guest.root.write("/boot/grub/grub.cfg", "linux (hd0,1)/vmlinuz-6.1 root=/dev/vda2\n");
  EXPECT_EQ(guest.holes(), Names{});
}

TEST(BootPath, needs_fstab_lines_that_resolve) {
  Guest guest;
  guest.root.write("/etc/fstab",
                   "/dev/vda2 / ext3\n/dev/xvda3 none swap sw\n/dev/xvdb1 /data xfs\n");
  EXPECT_EQ(guest.holes(), Names{"fstab"});
  const std::string message = guest.walk().findings().at(0).message;
  EXPECT_NE(message.find("line 2 (/dev/xvda3 at none), line 3"), std::string::npos) << message;
}

TEST(BootPath, needs_an_init) {
  Guest guest;
  guest.root.remove("/sbin/init");
  EXPECT_EQ(guest.holes(), Names{"init"});
  guest.root.write("/opt/start", "#!", 0755);
  guest.set_menu("root=UUID=aaaa-2 init=/opt/start");
  EXPECT_EQ(guest.holes(), Names{});
  guest.set_menu("root=UUID=aaaa-2 init=/opt/stop");
  EXPECT_EQ(guest.holes(), Names{"init"});
}

TEST(BootPath, of_grub_legacy_goes_through_its_stages) {
  Guest guest;
  guest.facts.loader = "grub-legacy";
  guest.disk = legacy_boot_sector() + legacy_stage();
  guest.root.write("/boot/grub/stage2", "s");
  guest.root.write(
      "/boot/grub/menu.lst",
      "title x\nroot (hd0,0)\nkernel /vmlinuz-6.1 root=/dev/vda2\ninitrd /initrd-6.1\n");
  EXPECT_EQ(guest.holes(), Names{});
  guest.root.remove("/boot/grub/stage2");
  EXPECT_EQ(guest.holes(), Names{"loader files"});
  guest.disk = legacy_boot_sector();
  EXPECT_EQ(guest.holes(), Names{"loader core"});
}

TEST(BootPath, under_xen_starts_at_pygrub) {
  Guest guest;
  guest.disk = std::string(512, '\0');
  guest.root.remove("/boot/grub/grub.cfg");
  EXPECT_EQ(guest.holes(TargetHypervisor::xen), Names{"menu"});
  guest.root.write(
      "/boot/grub/menu.lst",
      "title x\nroot (hd0,5)\nkernel /vmlinuz-6.1 root=UUID=aaaa-2\ninitrd /initrd-6.1\n");
  EXPECT_EQ(guest.holes(TargetHypervisor::xen), Names{"initramfs"});
  guest.set_initramfs({"lib/xen-blkfront.ko", "lib/ext3.ko"});
  EXPECT_EQ(guest.holes(TargetHypervisor::xen), Names{});
}

// Xen starts files of its host, whatever the guest's menu says.
TEST(BootPath, under_xen_may_start_at_a_kernel_of_the_host) {
  Guest guest;
  guest.root.remove("/boot/grub/grub.cfg");
  const fs::path folder = guest.temp.path() / "host";
  fs::create_directory(folder);
  const auto holes = [&](const model::DirectBoot& kernel) {
    Names names;
    for (const BootLink& link :
         walk_boot_path(guest.root, guest.facts, guest.layout, TargetHypervisor::xen, {}, kernel)
             .links) {
      if (!link.ok) {
        names.push_back(link.name);
      }
    }
    return names;
  };
  const model::DirectBoot good{folder / "vmlinuz-6.1.0", folder / "initrd", "root=/dev/xvda2 ro"};
  EXPECT_EQ(holes(good), (Names{"kernel", "initramfs"}));
  guest.root.write("/host/vmlinuz-6.1.0", "k");
  guest.root.write("/host/initrd", "i");
  EXPECT_EQ(holes(good), Names{});
  guest.root.write("/host/vmlinuz-5.0", "k");
  EXPECT_EQ(holes({folder / "vmlinuz-5.0", {}, "root=/dev/xvda9"}), (Names{"modules", "root"}));
}

TEST(BootPath, follows_menus_and_entry_files) {
  Guest guest;
  guest.root.write("/boot/grub/real.cfg", guest.root.read("/boot/grub/grub.cfg"));
  guest.root.write("/boot/grub/grub.cfg", "configfile /grub/real.cfg\n");
  EXPECT_EQ(guest.holes(), Names{});
  guest.root.write("/boot/grub/grub.cfg", "configfile /grub/grub.cfg\n");  // itself
  EXPECT_EQ(guest.holes(), Names{"menu"});
  guest.root.write("/boot/grub/grub.cfg", "set default=\"${saved_entry}\"\nblscfg\n");
  guest.root.write("/boot/grub/grubenv", "kernelopts=root=UUID=aaaa-2 ro\nsaved_entry=m-6.1\n");
  guest.root.write("/boot/loader/entries/m-6.1.conf",
                   "title L\nlinux /vmlinuz-6.1\ninitrd /initrd-6.1\noptions $kernelopts\n");
  guest.root.write("/boot/loader/entries/m-7.0.conf", "title L\nlinux /vmlinuz-7.0\n");
  EXPECT_EQ(guest.holes(), Names{});
}

TEST(BootPath, reads_hostile_menus_in_bounded_time) {
  Guest guest;
  std::string itself;
  for (int i = 0; i < 32; ++i) {
    itself += "configfile /grub/grub.cfg\n";
  }
  guest.root.write("/boot/grub/grub.cfg", itself);
  EXPECT_EQ(guest.holes(), Names{"menu"});
  std::string options = "options";
  for (int i = 0; i < 100'000; ++i) {
    options += " $kernelopts";
  }
  guest.root.write("/boot/grub/grub.cfg", "blscfg\n");
  guest.root.write("/boot/grub/grubenv",
                   "kernelopts=root=UUID=aaaa-2 " + std::string(1U << 20U, 'x') + "\n");
  guest.root.write("/boot/loader/entries/m-6.1.conf",
                   "title L\nlinux /vmlinuz-6.1\ninitrd /initrd-6.1\n" + options + "\n");
  EXPECT_EQ(guest.holes(), Names{});
}

TEST(BootSector, tells_loaders_apart) {
  EXPECT_EQ(boot_sector_loader(grub2_boot_sector()), "grub2");
  EXPECT_EQ(boot_sector_loader(legacy_boot_sector()), "grub-legacy");
  EXPECT_EQ(boot_sector_loader(std::string(512, '\0')), "none");
  EXPECT_EQ(boot_sector_loader("short"), "none");
  EXPECT_EQ(grub_legacy_stage2_path(legacy_stage()), "/boot/grub/stage2");
}

TEST(Grub2Core, survives_nonsense) {
  std::string core = make_core("(,gpt2)/boot/grub");
  ASSERT_TRUE(read_grub2_core(core));
  EXPECT_EQ(read_grub2_core(core)->prefix, "(,gpt2)/boot/grub");
  for (std::size_t size = 0; size < core.size(); size += 97) {
    EXPECT_FALSE(read_grub2_core(core.substr(0, size)) && size < 3000);
  }
  put(core, 512 + 0x0c, number(0xffffffff, 4));
  EXPECT_FALSE(read_grub2_core(core));
  EXPECT_FALSE(read_grub2_core(std::string(100000, '\0')));
}

// As large as it may be, full of what could be the list of modules.
TEST(Grub2Core, is_searched_in_bounded_time) {
  std::string list;
  for (int i = 0; i < 100'000; ++i) {
    list += "mimg" + number(12, 4) + number(4U << 20U, 4);
  }
  for (int i = 0; i < 300'000; ++i) {
    list += number(1, 4) + number(8, 4);
  }
  const std::string data = packed(list);
  std::string core(512 + 2848, '\x90');
  put(core, 512 + 0x08, number(data.size(), 4) + number(list.size(), 4));
  EXPECT_FALSE(read_grub2_core(core + data));
}

// Its root is an array of both disks; GRUB finds /boot in another one.
struct GuestOnArrays : Guest {
  GuestOnArrays() {
    facts.filesystems = {{"vda1", "linux_raid_member", "0123-b0", "host:0", {}, ""},
                         {"vda2", "linux_raid_member", "4567-a0", "host:1", {}, ""},
                         {"md126", "ext2", "b00b-1", "", {}, "/boot"},
                         {"md127", "ext3", "aaaa-2", "", {}, "/"},
                         {"vda3", "swap", "cccc-3", "", {}, ""}};
    facts.filesystems[2].array = model::Array{"0123-b0", "raid1", "1.0", {"md0", "md/0"}};
    facts.filesystems[3].array = model::Array{"4567-a0", "raid1", "1.2", {"md1", "md/root"}};
    facts.root_device = "md127";
    facts.boot_device = "md126";
    root.write("/etc/fstab",
               "/dev/md/root / ext3 defaults 0 1\n/dev/md0 /boot ext2 defaults 0 2\n"
               "UUID=cccc-3 none swap sw 0 0\n/dev/md7 /seven ext3 defaults 0 2\n");
    set_menu("root=/dev/md1 ro");
  }
};

TEST(BootPathOnArrays, NeedsTheirDriverAndMdadm) {
  GuestOnArrays guest;
  EXPECT_EQ(guest.holes(), std::vector<std::string>{"initramfs"});
  guest.set_initramfs({"lib/modules/6.1.0/kernel/virtio_blk.ko",
                       "lib/modules/6.1.0/kernel/virtio_pci.ko",
                       "lib/modules/6.1.0/kernel/fs/ext4.ko",
                       "lib/modules/6.1.0/kernel/drivers/md/raid1.ko", "usr/sbin/mdadm"});
  guest.disk = grub2_boot_sector() + make_core("(mduuid/0123b0)/grub");
  // The core lies before the first partition: both ways in are GRUB's own.
  EXPECT_EQ(guest.holes(), std::vector<std::string>{});
  guest.disk = grub2_boot_sector() + make_core("(,msdos1)/grub");
  EXPECT_EQ(guest.holes(), std::vector<std::string>{}) << "a mirror reads as its content";
  guest.disk = grub2_boot_sector() + make_core("(,msdos2)/grub");
  EXPECT_EQ(guest.holes(), std::vector<std::string>{"loader files"})
      << "its superblock is in front of the content";
  guest.disk = grub2_boot_sector() + make_core("(mduuid/0123b1)/grub");
  EXPECT_EQ(guest.holes(), std::vector<std::string>{"loader files"});
}

}  // namespace
}  // namespace vmconvert::guest
