// The boot path of a guest that OVMF starts.
#include <gtest/gtest.h>

#include <filesystem>

#include "base/temp_dir.hpp"
#include "boot_files.hpp"
#include "guest/boot_path.hpp"
#include "guest/folder_root.hpp"
#include "guest/grub2_core.hpp"

namespace vmconvert::guest {
namespace {

namespace fs = std::filesystem;
using namespace vmconvert::boot_files;

constexpr const char* k_uuid = "ef120000-0000-4000-8000-000000000002";

struct UefiGuest {
  TempDir temp{fs::temp_directory_path(), "vmconvert-test"};
  FolderRoot root{temp.path(), {{"vda", temp.path() / "disk"}}};
  model::GuestFacts facts;
  model::Layout layout;
  model::Hardware hardware;
  const std::string boot = "/boot/efi/EFI/BOOT";

  UefiGuest() {
    hardware.uefi = true;
    facts.arch = "x86_64";
    facts.filesystems = {{"vda1", "vfat", "EF12-0001", "", {}, "/boot/efi"},
                         {"vda2", "ext4", k_uuid, "", {}, "/"}};
    facts.root_device = facts.boot_device = "vda2";
    model::TargetDisk vda;
    vda.name = "vda";
    vda.size = {1U << 20U};
    layout.disks = {vda};
    root.write("/disk", std::string(1U << 20U, '\0'));
    root.write(boot + "/BOOTX64.EFI", "MZ shim");
    root.write(boot + "/grubx64.efi", make_efi_core("/EFI/debian"));
    root.write("/boot/efi/EFI/debian/grub.cfg",
               std::string("search.fs_uuid ") + k_uuid +
                   " root hd0,gpt2\nset prefix=($root)'/boot/grub'\nconfigfile $prefix/grub.cfg\n");
    root.write("/boot/grub/grub.cfg", menu());
    root.write("/boot/vmlinuz-6.1", kernel_image("6.1.0"));
    root.write("/boot/initrd-6.1", cpio({"lib/modules/6.1.0/kernel/virtio_blk.ko",
                                         "lib/modules/6.1.0/kernel/virtio_pci.ko",
                                         "lib/modules/6.1.0/kernel/fs/ext4.ko"}));
    root.write("/lib/modules/6.1.0/modules.builtin", "kernel/fs/fat/vfat.ko\n");
    root.write("/etc/fstab", std::string("UUID=") + k_uuid + " / ext4 defaults 0 1\n");
    root.write("/sbin/init", "#!", 0755);
  }

  static std::string menu() {
    return std::string("search --fs-uuid --set=root ") + k_uuid +
           "\nmenuentry 'Linux' {\n linux /boot/vmlinuz-6.1 root=UUID=" + k_uuid +
           " ro\n initrd /boot/initrd-6.1\n}\n";
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
};

TEST(UefiBootPath, GoesFromTheFirmwareToTheMenu) {
  UefiGuest guest;
  EXPECT_EQ(guest.hole(), "");
  std::vector<std::string> names;
  for (const BootLink& link : guest.walk().links) {
    names.push_back(link.name);
  }
  EXPECT_EQ(names, (std::vector<std::string>{"EFI system partition", "loader", "loader core",
                                             "loader files", "menu", "kernel", "modules",
                                             "initramfs", "root", "fstab", "init"}));
}

TEST(UefiBootPath, NeedsAnEfiPartitionAndTheNameThatTheFirmwareKnows) {
  UefiGuest guest;
  guest.root.remove(guest.boot + "/BOOTX64.EFI");
  EXPECT_EQ(guest.hole(),
            "loader: the firmware starts /boot/efi/EFI/BOOT/BOOTX64.EFI, which is missing");
  guest.root.write(guest.boot + "/BOOTX64.EFI", "text");
  EXPECT_EQ(guest.hole(),
            "loader: the firmware starts /boot/efi/EFI/BOOT/BOOTX64.EFI, which is no program");
  guest.facts.filesystems[0].mountpoint.clear();
  EXPECT_TRUE(guest.hole().starts_with("EFI system partition: ")) << guest.hole();
}

TEST(UefiBootPath, FollowsAShimThatLooksForItsDistribution) {
  UefiGuest guest;
  guest.root.remove(guest.boot + "/grubx64.efi");
  guest.root.write(guest.boot + "/fbx64.efi", "MZ fallback");
  guest.root.write("/boot/efi/EFI/debian/BOOTX64.CSV", "shimx64.efi,Debian,,");
  guest.root.write("/boot/efi/EFI/debian/grubx64.efi", make_efi_core("/EFI/debian"));
  EXPECT_EQ(guest.hole(), "");
}

TEST(UefiBootPath, FollowsALoaderThatGrubInstallMadeForItsMachine) {
  UefiGuest guest;
  guest.root.remove_tree("/boot/efi/EFI");
  const std::string script = std::string("search.fs_uuid ") + k_uuid + " root \n";
  guest.root.write(guest.boot + "/BOOTX64.EFI", make_efi_core("/boot/grub", script));
  EXPECT_EQ(guest.hole(), "");
  guest.root.write(guest.boot + "/BOOTX64.EFI", make_efi_core("(,gpt2)/boot/grub"));
  EXPECT_EQ(guest.hole(), "");
}

TEST(UefiBootPath, SaysWhereTheMenuWasLookedFor) {
  UefiGuest guest;
  guest.root.remove("/boot/grub/grub.cfg");
  EXPECT_EQ(guest.hole(),
            "loader files: /boot/efi/EFI/debian/grub.cfg leads to /boot/grub, and there is no "
            "grub.cfg");
  guest.root.remove("/boot/efi/EFI/debian/grub.cfg");
  EXPECT_EQ(guest.hole(),
            "loader files: GRUB looks for its menu in /EFI/debian, and there is none");
}

// A menu that searches for another filesystem's UUID, as one that was copied with an old disk.
TEST(UefiBootPath, DoesNotGuessWhenTheSearchFindsNothing) {
  UefiGuest guest;
  guest.root.write("/boot/efi/EFI/debian/grub.cfg",
                   "search.fs_uuid 00000000-0000-4000-8000-000000000000 root\n"
                   "set prefix=($root)'/boot/grub'\nconfigfile $prefix/grub.cfg\n");
  EXPECT_TRUE(guest.hole().starts_with("loader files: ")) << guest.hole();
}

TEST(UefiBootPath, ReliesOnTheMenuWhereItDoesNotKnowTheLoader) {
  UefiGuest guest;
  guest.root.remove_tree("/boot/efi/EFI");
  guest.root.write(guest.boot + "/BOOTX64.EFI", "MZ systemd-boot");
  EXPECT_EQ(guest.hole(), "");
  guest.root.remove("/boot/grub/grub.cfg");
  EXPECT_TRUE(guest.hole().starts_with("loader core: ")) << guest.hole();
}

TEST(Grub2EfiCore, IsReadInBothWidths) {
  const auto wide = read_grub2_efi(make_efi_core("/EFI/debian", "search x"));
  ASSERT_TRUE(wide);
  EXPECT_EQ(wide->prefix, "/EFI/debian");
  EXPECT_EQ(wide->config, "search x");
  const auto narrow = read_grub2_efi("MZ" + module_list("(,gpt2)/grub", "", false));
  ASSERT_TRUE(narrow);
  EXPECT_EQ(narrow->prefix, "(,gpt2)/grub");
  EXPECT_FALSE(read_grub2_efi("MZ no list of modules"));
  EXPECT_FALSE(read_grub2_efi("mimg"));
  std::string lies = make_efi_core("/EFI/debian");
  put(lies, lies.find("mimg") + 8, std::string(16, '\xff'));
  EXPECT_FALSE(read_grub2_efi(lies));
}

}  // namespace
}  // namespace vmconvert::guest
