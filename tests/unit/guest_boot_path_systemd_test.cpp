// The boot path of UEFI guests without GRUB: systemd-boot, unified kernel images.
#include <gtest/gtest.h>

#include <filesystem>

#include "base/temp_dir.hpp"
#include "boot_files.hpp"
#include "guest/boot_path.hpp"
#include "guest/folder_root.hpp"

namespace vmconvert::guest {
namespace {

namespace fs = std::filesystem;
using namespace vmconvert::boot_files;

const std::string k_root_uuid = "ef130000-0000-4000-8000-000000000002";

struct SystemdGuest {
  TempDir temp{fs::temp_directory_path(), "vmconvert-test"};
  FolderRoot root{temp.path(), {{"vda", temp.path() / "disk"}}};
  model::GuestFacts facts;
  model::Layout layout;
  model::Hardware hardware;
  const std::string loader = "/boot/efi/EFI/BOOT/BOOTX64.EFI";
  const std::string entry = "/boot/efi/loader/entries/x.conf";
  const std::string image = "/boot/efi/EFI/Linux/x.efi";

  SystemdGuest() {
    hardware.uefi = true;
    facts.arch = "x86_64";
    facts.filesystems = {{"vda1", "vfat", "EF13-0001", "", {}, "/boot/efi"},
                         {"vda2", "ext4", k_root_uuid, "", {}, "/"}};
    facts.root_device = facts.boot_device = "vda2";
    model::TargetDisk vda;
    vda.name = "vda";
    vda.size = {1U << 20U};
    layout.disks = {vda};
    root.write("/disk", std::string(1U << 20U, '\0'));
    root.write(loader, systemd_boot("255.4"));
    root.write(entry,
               "title X\nlinux /x/6.9/linux\ninitrd /x/6.9/ucode\ninitrd /x/6.9/initrd\n"
               "options " +
                   arguments() + "\n");
    root.write("/boot/efi/x/6.9/linux", kernel_image("6.9.0"));
    root.write("/boot/efi/x/6.9/ucode", cpio({"kernel/x86/microcode/GenuineIntel.bin"}));
    root.write("/boot/efi/x/6.9/initrd", initrd());
    root.write("/lib/modules/6.9.0/modules.builtin", "kernel/fs/fat/vfat.ko\n");
    root.write("/etc/fstab", "UUID=" + k_root_uuid + " / ext4 defaults 0 1\n");
    root.write("/sbin/init", "#!", 0755);
  }
  static std::string arguments() { return "root=UUID=" + k_root_uuid + " ro"; }
  static std::string initrd() {
    return cpio({"lib/modules/6.9.0/virtio_blk.ko", "lib/modules/6.9.0/virtio_pci.ko",
                 "lib/modules/6.9.0/ext4.ko"});
  }
  BootPath walk() {
    return walk_boot_path(root, facts, layout, model::TargetHypervisor::kvm, hardware);
  }
  // The first link that is not there, and why; empty if there is none.
  std::string hole() {
    for (const BootLink& link : walk().links) {
      if (!link.ok) {
        EXPECT_FALSE(link.remedy.empty());
        return link.name + ": " + link.what;
      }
    }
    return {};
  }
  std::string menu() {
    for (const BootLink& link : walk().links) {
      if (link.name == "menu") {
        return link.what;
      }
    }
    return {};
  }
};

TEST(SystemdBootPath, GoesFromTheFirmwareToTheEntry) {
  SystemdGuest guest;
  EXPECT_EQ(guest.hole(), "");
  EXPECT_EQ(guest.menu(), "entry 1 of 1, /boot/efi/loader/entries/x.conf, \"X\"");
  guest.root.remove("/boot/efi/x/6.9/initrd");
  EXPECT_EQ(guest.hole(), "initramfs: /boot/efi/x/6.9/initrd is not where the loader looks for it");
  guest.root.write("/boot/efi/x/6.9/initrd", cpio({"init"}));
  EXPECT_EQ(guest.hole(), "initramfs: the initramfs lacks virtio_pci, virtio_blk, ext4");
  guest.root.remove("/boot/efi/x/6.9/linux");
  EXPECT_EQ(guest.hole(),
            "menu: systemd-boot finds no kernel by loader/entries or EFI/Linux in /boot/efi");
}

TEST(SystemdBootPath, MayLieBehindAShim) {
  SystemdGuest guest;
  guest.root.write(guest.loader, "MZ shim");
  guest.root.write("/boot/efi/EFI/BOOT/grubx64.efi", systemd_boot("255.4"));
  EXPECT_EQ(guest.hole(), "");
}

TEST(SystemdBootPath, LooksAtTheExtendedBootLoaderPartition) {
  SystemdGuest guest;
  guest.root.remove(guest.entry);
  guest.facts.filesystems.push_back({"vda3", "vfat", "EF13-0003", "", {}, "/boot"});
  guest.facts.boot_device = "vda3";
  guest.root.write("/boot/loader/entries/y.conf",
                   "linux /vmlinuz\ninitrd /initrd\noptions " + SystemdGuest::arguments());
  guest.root.write("/boot/vmlinuz", kernel_image("6.9.0"));
  guest.root.write("/boot/initrd", SystemdGuest::initrd());
  EXPECT_EQ(guest.hole(), "");
  guest.facts.filesystems.back().type = "ext4";
  EXPECT_TRUE(guest.hole().starts_with("menu: ")) << "no firmware reads that";
  guest.root.write("/boot/efi/EFI/systemd/drivers/ext4x64.efi", "MZ");
  EXPECT_EQ(guest.hole(), "");
}

TEST(SystemdBootPath, FollowsUnifiedKernelImages) {
  SystemdGuest guest;
  guest.root.remove(guest.entry);
  guest.root.write(guest.image,
                   make_uki("6.9.0", SystemdGuest::initrd(), SystemdGuest::arguments() + "\n",
                            "PRETTY_NAME=Unified\n"));
  EXPECT_EQ(guest.hole(), "");
  EXPECT_EQ(guest.menu(), "entry 1 of 1, /boot/efi/EFI/Linux/x.efi, \"Unified\"");
  guest.root.write(guest.image, make_uki("6.9.0", cpio({"init"}), SystemdGuest::arguments()));
  EXPECT_EQ(guest.hole(), "initramfs: the initramfs lacks virtio_pci, virtio_blk, ext4");
  guest.root.write(guest.image, make_uki("6.9.0", "\x1f\x8b", SystemdGuest::arguments()));
  EXPECT_TRUE(guest.hole().starts_with("initramfs: /boot/efi/EFI/Linux/x.efi: ")) << guest.hole();
  guest.root.write(guest.image, make_uki("6.9.0", SystemdGuest::initrd(), "root=/dev/xvda2"));
  EXPECT_EQ(guest.hole(), "root: root=/dev/xvda2 is no filesystem on the target");
  guest.root.write(guest.image, make_uki("6.9.0", "", SystemdGuest::arguments()));
  EXPECT_TRUE(guest.hole().starts_with("initramfs: the kernel (no initramfs) lacks"));
}

TEST(SystemdBootPath, FollowsAnEntryThatNamesAUnifiedKernelImage) {
  SystemdGuest guest;
  guest.root.write(guest.entry, "title X\nefi /EFI/other/x.efi\n");
  guest.root.write("/boot/efi/EFI/other/x.efi",
                   make_uki("6.9.0", SystemdGuest::initrd(), SystemdGuest::arguments()));
  EXPECT_EQ(guest.hole(), "");
  guest.root.write(guest.entry, "title X\nefi /EFI/other/x.efi\noptions root=LABEL=none\n");
  EXPECT_EQ(guest.hole(), "root: root=LABEL=none is no filesystem on the target");
}

TEST(SystemdBootPath, FollowsAKernelThatTheFirmwareStarts) {
  SystemdGuest guest;
  guest.root.write(guest.loader,
                   make_uki("6.9.0", SystemdGuest::initrd(), SystemdGuest::arguments()));
  EXPECT_EQ(guest.hole(), "");
  EXPECT_EQ(guest.menu(), "none: the firmware starts \"bootx64.efi\"");
}

// A kernel is a UEFI program itself, and takes its image from its arguments.
TEST(SystemdBootPath, FollowsAnEntryWithTheImageInItsArguments) {
  SystemdGuest guest;
  guest.root.write(guest.entry, "efi /x/6.9/linux\noptions initrd=\\x\\6.9\\initrd " +
                                    SystemdGuest::arguments() + "\n");
  EXPECT_EQ(guest.hole(), "");
}

// Two entries: FAT, and one of this type and these attributes.
std::string gpt(const std::string& type, std::uint64_t attributes = 0) {
  std::string table(34 * 512, '\0');
  put(table, 512, "EFI PART");
  put(table, 512 + 72, number(2, 8) + number(128, 4) + number(128, 4));
  put(table, 1024, std::string(16, 'f'));
  put(table, 1024 + 128, type);
  put(table, 1024 + 128 + 48, number(attributes, 8));
  return table;
}

TEST(SystemdBootPath, KnowsARootByItsPartitionsType) {
  // 4f68bce3-e8cd-4db1-96e7-fbcaf984b709: root of x86-64
  const std::string type = number(0x4f68bce3, 4) + number(0xe8cd, 2) + number(0x4db1, 2) +
                           "\x96\xe7\xfb\xca\xf9\x84\xb7\x09";
  SystemdGuest guest;
  guest.root.remove(guest.entry);
  const std::string initrd = SystemdGuest::initrd() +
                             cpio({"usr/lib/systemd/system-generators/systemd-gpt-auto-generator"});
  guest.root.write(guest.image, make_uki("6.9.0", initrd, "quiet"));
  EXPECT_EQ(guest.hole(), "root: the kernel's arguments have no root=");
  guest.root.write_disk("vda", 0, gpt(type));
  EXPECT_EQ(guest.hole(), "");
  guest.root.write_disk("vda", 0, gpt(type, std::uint64_t{1} << 63U));
  EXPECT_NE(guest.hole(), "") << "that one says to be left alone";
  guest.root.write_disk("vda", 0, gpt(type));
  guest.root.write_disk("vda", 1024, type);
  EXPECT_NE(guest.hole(), "") << "two of that type";
  guest.root.write_disk("vda", 0, gpt(type));
  guest.root.write_disk("vda", 512 + 72, number(~std::uint64_t{0}, 8));
  EXPECT_NE(guest.hole(), "") << "a table that leaves the disk";
  guest.root.write_disk("vda", 0, gpt(type));
  guest.root.write(guest.image, make_uki("6.9.0", SystemdGuest::initrd(), "quiet"));
  EXPECT_NE(guest.hole(), "") << "an initramfs without systemd's generator";
}

}  // namespace
}  // namespace vmconvert::guest
