// UEFI guests without GRUB: entries of systemd-boot, unified kernel images.
#include <vmconvert/efi_program.hpp>

#include "boot_files.hpp"
#include "fixer_bootloader_support.hpp"

namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using vmconvert::boot_files::cpio;
using vmconvert::boot_files::kernel_image;
using vmconvert::boot_files::make_uki;
using vmconvert::boot_files::systemd_boot;

class SystemdBootFixer : public BootloaderFixer {
 protected:
  void SetUp() override {
    facts["hardware"] = {{"disk_bus", "virtio"}, {"nic_model", "virtio"}, {"uefi", true}};
    facts["disks"][0]["table"] = "gpt";
    facts["filesystems"][0] = {{"device", "vda1"},
                               {"type", "vfat"},
                               {"uuid", "EF00-0001"},
                               {"label", ""},
                               {"mountpoint", "/efi"}};
    facts["guest"]["menu"] = "";
    put_disk("vda", std::string(2U << 20U, '\0'));
    put("/efi/EFI/systemd/systemd-bootx64.efi", systemd_boot("255.4"));
    put("/efi/vmlinuz", kernel_image("6.9"));
  }
  // The options lines of an entry that had these, and an initrd.
  std::string options(const std::string& before, const std::string& initrd = "initrd /initrd\n") {
    const std::string head = "title X\nlinux /vmlinuz\n" + initrd;
    put(entry, head + before);
    fix("bootloader");
    const std::string now = get(entry);
    EXPECT_TRUE(now.starts_with(head)) << now;
    return now.substr(head.size());
  }
  std::string arguments_of(const std::string& path) {
    const std::string program = get(path);
    const auto found = vmconvert::efi::read_unified_kernel(program);
    return found ? found->arguments : "none";
  }

  const std::string entry = "/efi/loader/entries/x.conf";
  const std::string image = "/efi/EFI/Linux/x.efi";
  const std::string boot = "/efi/EFI/BOOT/BOOTX64.EFI";
};

TEST_F(SystemdBootFixer, CorrectsEntriesAndGivesTheFirmwareItsLoader) {
  EXPECT_EQ(options("options\troot=/dev/xvda2 rw console=hvc0\n"),
            "options\troot=" + k_root + " rw console=ttyS0\n");
  EXPECT_EQ(get(boot), systemd_boot("255.4"));
  EXPECT_THAT(findings_now(), IsEmpty());
}

TEST_F(SystemdBootFixer, TakesSeveralLinesOfOptionsForOne) {
  EXPECT_EQ(options("options root=/dev/xvda2\noptions console=hvc0\n"),
            "options root=" + k_root + "\noptions console=ttyS0\n");
  EXPECT_EQ(options("options quiet\noptions root=/dev/xvda2\n"),
            "options quiet\noptions root=" + k_root + " console=tty0 console=ttyS0\n");
}

TEST_F(SystemdBootFixer, KnowsAnEntryWithoutAnInitrd) {
  EXPECT_EQ(options("options root=/dev/xvda2 console=ttyS0\n", ""),
            "options root=/dev/vda2 console=ttyS0\n");
}

TEST_F(SystemdBootFixer, LeavesOptionsThatAreAVariableOfGrubs) {
  EXPECT_EQ(options("options $kernelopts $tuned_params\n"), "options $kernelopts $tuned_params\n");
}

TEST_F(SystemdBootFixer, BlocksWhereTheDefaultEntrysRootIsNotThere) {
  options("options root=/dev/sdz9\n");
  EXPECT_THAT(findings_now(), ElementsAre("root-not-found blocks"));
}

TEST_F(SystemdBootFixer, CorrectsArgumentsInUnifiedKernelImages) {
  put(image, make_uki("6.9", cpio({"init"}), "root=/dev/xvda2 rw\nconsole=hvc0\n"));
  put("/etc/cmdline.d/root.conf", "# mkinitcpio\nroot=/dev/xvda2\n");
  put("/etc/cmdline.d/console.conf", "console=hvc0 quiet\n");
  fix("bootloader");
  EXPECT_EQ(arguments_of(image), "root=" + k_root + " rw console=ttyS0");
  EXPECT_THAT(findings_now(), ElementsAre("uki-edited informs"));
  EXPECT_EQ(get("/etc/cmdline.d/root.conf"), "# mkinitcpio\nroot=" + k_root + "\n");
  EXPECT_EQ(get("/etc/cmdline.d/console.conf"), "console=ttyS0 quiet\n");
}

TEST_F(SystemdBootFixer, LeavesASignedImage) {
  const std::string before = make_uki("6.9", "", "root=/dev/xvda2 rw", "ID=x\n", true);
  put(image, before);
  fix("bootloader");
  EXPECT_EQ(get(image), before);
  EXPECT_THAT(findings_now(), ElementsAre("uki-signed blocks"));
  put(image, make_uki("6.9", "i", "root=" + k_root + " console=hvc0", "ID=x\n", true));
  fix("bootloader");
  EXPECT_THAT(findings_now(), ElementsAre("uki-signed warns")) << "it boots, without a console";
}

TEST_F(SystemdBootFixer, SaysWhenThereIsNoRoomForTheArguments) {
  const std::string before =
      make_uki("6.9", "i", "root=/dev/xvda2 " + std::string(490, 'x') + " quiet");
  put(image, before);
  fix("bootloader");
  EXPECT_EQ(get(image), before);
  EXPECT_THAT(findings_now(), ElementsAre("uki-arguments blocks"));
}

TEST_F(SystemdBootFixer, GivesTheFirmwareTheImageItselfWhereThereIsNoLoader) {
  std::filesystem::remove_all(host_path("/efi/EFI/systemd"));
  put(image, make_uki("6.9", "i", "root=/dev/xvda2 console=ttyS0"));
  fix("bootloader");
  EXPECT_EQ(arguments_of(boot), "root=" + k_root + " console=ttyS0");
  EXPECT_EQ(get(boot), get(image));
  EXPECT_THAT(findings_now(), ElementsAre("uki-edited informs", "uki-copied warns"));
}

TEST_F(SystemdBootFixer, TakesAKernelOnTheEfiPartitionForOne) {
  fix("host-kernel");
  EXPECT_THAT(findings_now(), ElementsAre("no-kernel blocks"));
  options("options root=/dev/xvda2\n");
  fix("host-kernel");
  EXPECT_THAT(findings_now(), IsEmpty());
}

class SystemdInitramfs : public SystemdBootFixer {
 protected:
  void SetUp() override {
    SystemdBootFixer::SetUp();
    put(boot, systemd_boot("255.4"));
    put("/lib/modules/6.9/modules.dep",
        "kernel/virtio_blk.ko:\nkernel/virtio_pci.ko:\nkernel/ext4.ko:\n");
    put(entry, "title X\nlinux /vmlinuz\ninitrd /ucode.img\ninitrd /initrd-6.9\noptions root=x\n");
    put("/efi/initrd-6.9", cpio({"init"}));
  }
  void unified(const std::string& content, bool is_signed = false) {
    std::filesystem::remove_all(host_path(entry));
    put(image, make_uki("6.9", content, "root=UUID=x", "ID=x\n", is_signed));
  }
};

TEST_F(SystemdInitramfs, BuildsTheImageThatTheEntryNames) {
  put("/usr/sbin/update-initramfs", "#!/bin/sh\n", 0755);
  put("/usr/sbin/mkinitramfs", "#!/bin/sh\n", 0755);
  fix("initramfs");
  EXPECT_THAT(runs_now(), ElementsAre("/usr/sbin/mkinitramfs -o /efi/initrd-6.9 6.9"));
  put("/efi/initrd-6.9", cpio({"virtio_blk.ko", "virtio_pci.ko", "ext4.ko"}));
  fix("initramfs");
  EXPECT_THAT(runs_now(), IsEmpty());
}

TEST_F(SystemdInitramfs, LooksIntoAUnifiedImage) {
  unified(cpio({"virtio_blk.ko", "virtio_pci.ko", "ext4.ko"}));
  fix("initramfs");
  EXPECT_THAT(runs_now(), IsEmpty());
  EXPECT_THAT(findings_now(), IsEmpty());
}

TEST_F(SystemdInitramfs, HasAUnifiedImageBuiltByMkinitcpio) {
  unified(cpio({"init"}));
  put("/usr/bin/mkinitcpio", "# -U, --uki\n", 0755);
  fix("initramfs");
  EXPECT_THAT(findings_now(), ElementsAre("uki-not-rebuilt blocks"))
      << "it would take the arguments of the machine that it runs on";
  put("/etc/kernel/cmdline", "root=UUID=x\n");
  fix("initramfs");
  EXPECT_THAT(runs_now(), ElementsAre("/usr/bin/mkinitcpio -k 6.9 -U " + image + " -S autodetect"));
}

TEST_F(SystemdInitramfs, HasAUnifiedImageBuiltByDracut) {
  unified(cpio({"init"}));
  put("/usr/bin/dracut", "# --uefi --no-hostonly\n", 0755);
  put("/lib/modules/6.9/vmlinuz", kernel_image("6.9"));
  fix("initramfs");
  EXPECT_THAT(findings_now(), ElementsAre("uki-not-rebuilt blocks")) << "no stub";
  put("/usr/lib/systemd/boot/efi/linuxx64.efi.stub", "MZ");
  fix("initramfs");
  EXPECT_THAT(runs_now(), ElementsAre("/usr/bin/dracut --force --no-hostonly --uefi --kernel-image "
                                      "/lib/modules/6.9/vmlinuz --kernel-cmdline root=UUID=x " +
                                      image + " 6.9"));
}

TEST_F(SystemdInitramfs, LeavesASignedImage) {
  unified(cpio({"init"}), true);
  put("/usr/bin/mkinitcpio", "# -U, --uki\n", 0755);
  put("/etc/kernel/cmdline", "root=UUID=x\n");
  fix("initramfs");
  EXPECT_THAT(findings_now(), ElementsAre("uki-signed blocks"));
  EXPECT_THAT(runs_now(), IsEmpty());
}

}  // namespace
