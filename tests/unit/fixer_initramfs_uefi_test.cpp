// Initramfs images of guests that boot by systemd-boot: on the EFI system partition, and inside of
// unified kernel images.
#include "boot_files.hpp"
#include "fixer_testing.hpp"

namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using vmconvert::boot_files::cpio;
using vmconvert::boot_files::kernel_image;
using vmconvert::boot_files::make_uki;
using vmconvert::boot_files::systemd_boot;

const std::string k_uefi_version = "6.1.0-50-amd64";

class InitramfsFixerUefi : public FixerTest {
 protected:
  void SetUp() override {
    facts["hardware"] = {{"disk_bus", "virtio"}, {"nic_model", "virtio"}, {"uefi", true}};
    facts["disks"][0]["table"] = "gpt";
    facts["filesystems"][0] = {{"device", "vda1"},
                               {"type", "vfat"},
                               {"uuid", "EF00-0001"},
                               {"label", ""},
                               {"mountpoint", "/boot/efi"}};
    put("/boot/efi/EFI/BOOT/BOOTX64.EFI", systemd_boot("252.39-1"));
    put("/lib/modules/" + k_uefi_version + "/modules.dep",
        "kernel/virtio_blk.ko:\nkernel/virtio_pci.ko:\nkernel/ext4.ko:\n");
  }
  // What kernel-install leaves; the tool's own image in /boot as well.
  void debian() {
    put("/boot/vmlinuz-" + k_uefi_version, kernel_image(k_uefi_version));
    put("/boot/initrd.img-" + k_uefi_version, k_complete);
    put(k_folder + "linux", kernel_image(k_uefi_version));
    put(k_image, k_complete);
    for (const std::string& name : {"m-" + k_uefi_version, "m-" + k_uefi_version + "-single"}) {
      put("/boot/efi/loader/entries/" + name + ".conf",
          "title x\noptions root=UUID=x\nlinux /m/" + k_uefi_version + "/linux\ninitrd /m/" +
              k_uefi_version + "/initrd.img-" + k_uefi_version + "\n");
    }
    put("/usr/sbin/update-initramfs", "#!/bin/sh\n", 0755);
    put("/usr/sbin/mkinitramfs", "#!/bin/sh\n", 0755);
    put("/etc/initramfs-tools/modules", "");
  }
  void unified(const std::string& path, bool is_signed = false) {
    put(path, make_uki(k_uefi_version, k_complete, "root=UUID=x rw", "ID=arch\n", is_signed));
  }
  void mkinitcpio() {
    put("/usr/bin/mkinitcpio", "#!/bin/bash\n# --uki\n", 0755);
    put("/etc/kernel/cmdline", "root=UUID=x rw\n");
    put("/etc/mkinitcpio.conf", "MODULES=()\n");
  }

  const std::string k_complete = cpio({"x/virtio_blk.ko", "x/virtio_pci.ko", "x/ext4.ko"});
  const std::string k_folder = "/boot/efi/m/" + k_uefi_version + "/";
  const std::string k_image = k_folder + "initrd.img-" + k_uefi_version;
  const std::string k_uki = "/boot/efi/EFI/Linux/arch.efi";
};

TEST_F(InitramfsFixerUefi, BuildsAnewWhatOnTheEfiPartitionNamesAnOldUuid) {
  debian();
  facts["old_ids_in"] = {k_image};
  fix("initramfs");
  EXPECT_THAT(findings_now(), IsEmpty());
  EXPECT_THAT(runs_now(), ElementsAre("/usr/sbin/mkinitramfs -o " + k_image + " " + k_uefi_version))
      << "two entries have it, and it is built once";
}

TEST_F(InitramfsFixerUefi, RunsNoHookThatWritesEntriesInTheAppliance) {
  debian();
  facts["old_ids_in"] = {"/boot/initrd.img-" + k_uefi_version, k_image};
  fix("initramfs");
  EXPECT_THAT(runs_now(),
              ElementsAre("/usr/sbin/mkinitramfs -o /boot/initrd.img-" + k_uefi_version + " " +
                              k_uefi_version,
                          "/usr/sbin/mkinitramfs -o " + k_image + " " + k_uefi_version));
}

TEST_F(InitramfsFixerUefi, BuildsAUnifiedImageAnewThatNamesAnOldUuid) {
  mkinitcpio();
  unified(k_uki);
  unified("/boot/efi/EFI/BOOT/BOOTX64.EFI");  // a copy that was made since
  facts["old_ids_in"] = {k_uki};
  fix("initramfs");
  EXPECT_THAT(findings_now(), IsEmpty());
  EXPECT_THAT(runs_now(), ElementsAre("/usr/bin/mkinitcpio -k " + k_uefi_version + " -U " + k_uki +
                                          " -S autodetect",
                                      "/usr/bin/mkinitcpio -k " + k_uefi_version +
                                          " -U /boot/efi/EFI/BOOT/BOOTX64.EFI -S autodetect"));
  EXPECT_THAT(get("/etc/mkinitcpio.conf"), HasSubstr("virtio_blk"));
}

TEST_F(InitramfsFixerUefi, BuildsAUnifiedImageOnceThatLacksDriversToo) {
  mkinitcpio();
  put(k_uki, make_uki(k_uefi_version, cpio({"x/ext4.ko"}), "root=UUID=x rw"));
  facts["old_ids_in"] = {k_uki};
  fix("initramfs");
  EXPECT_THAT(findings_now(), IsEmpty());
  EXPECT_THAT(runs_now(), ElementsAre("/usr/bin/mkinitcpio -k " + k_uefi_version + " -U " + k_uki +
                                      " -S autodetect"));
}

TEST_F(InitramfsFixerUefi, LeavesASignedImageThatNamesAnOldUuid) {
  mkinitcpio();
  unified(k_uki, true);
  facts["old_ids_in"] = {k_uki};
  fix("initramfs");
  EXPECT_THAT(findings_now(), ElementsAre("uuid-in-initramfs warns"));
  EXPECT_THAT(messages_now(), ElementsAre(HasSubstr("signed")));
  EXPECT_THAT(runs_now(), IsEmpty());
  EXPECT_THAT(edits_now(), IsEmpty());
}

TEST_F(InitramfsFixerUefi, LeavesAUnifiedImageThatNoToolIsKnownToBuild) {
  debian();
  unified(k_uki);
  facts["old_ids_in"] = {k_uki};
  fix("initramfs");
  EXPECT_THAT(findings_now(), ElementsAre("uuid-in-initramfs warns"));
  EXPECT_THAT(messages_now(), ElementsAre(HasSubstr("no tool that is known")));
  EXPECT_THAT(runs_now(), IsEmpty());
}

}  // namespace
