#include "fixer_testing.hpp"

namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A cpio archive ("newc") with empty files of these names: what an initramfs is without packing.
std::string cpio_of(std::vector<std::string> names) {
  std::string archive;
  names.emplace_back("TRAILER!!!");
  for (const std::string& name : names) {
    char header[111];
    std::snprintf(header, sizeof(header),
                  "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X", 1, 0100644, 0, 0, 1,
                  0, 0, 0, 0, 0, 0, static_cast<unsigned>(name.size() + 1), 0);
    archive += header + name;
    archive.append(4 - archive.size() % 4, '\0');
  }
  return archive;
}

const std::string k_version = "6.1.0-50-amd64";

class InitramfsFixer : public FixerTest {
 protected:
  void SetUp() override {
    put("/boot/grub/grub.cfg", "menuentry 'a' {\n  linux /boot/vmlinuz-" + k_version +
                                   " root=UUID=x\n  initrd "
                                   "/boot/initrd.img-" +
                                   k_version + "\n}\n");
    kernel(k_version);
    image(k_version, {"xen-blkfront.ko", "ext4.ko"});
    put("/usr/sbin/update-initramfs", "#!/bin/sh\n", 0755);
    put("/etc/initramfs-tools/modules", "# List of modules\nxen-blkfront");
  }
  void kernel(const std::string& version) {
    put("/boot/vmlinuz-" + version, "kernel");
    put("/lib/modules/" + version + "/modules.dep",
        "kernel/drivers/block/virtio_blk.ko: kernel/drivers/virtio/virtio.ko\n"
        "kernel/drivers/virtio/virtio_pci.ko.xz:\nkernel/fs/ext4/ext4.ko:\n");
  }
  void image(const std::string& version, const std::vector<std::string>& modules) {
    std::vector<std::string> names = {"init"};
    for (const std::string& module : modules) {
      names.push_back("usr/lib/modules/" + version + "/kernel/x/" + module);
    }
    put("/boot/initrd.img-" + version, cpio_of(names));
  }
};

TEST_F(InitramfsFixer, LeavesAnImageThatHasAll) {
  image(k_version, {"virtio_blk.ko.zst", "virtio-pci.ko", "ext4.ko"});
  fix("initramfs");
  EXPECT_THAT(edits_now(), IsEmpty());
  EXPECT_THAT(runs_now(), IsEmpty());
  EXPECT_THAT(findings_now(), IsEmpty());
}

TEST_F(InitramfsFixer, MendsTheConfigurationAndTheImage) {
  fix("initramfs");
  EXPECT_EQ(get("/etc/initramfs-tools/modules"),
            "# List of modules\nxen-blkfront\nvirtio_blk\nvirtio_pci\next4\n");
  EXPECT_THAT(runs_now(), ElementsAre("/usr/sbin/update-initramfs -u -k 6.1.0-50-amd64"));
  EXPECT_THAT(findings_now(), IsEmpty());
}

TEST_F(InitramfsFixer, BuildsEveryImageAnewThatNamesAnOldUuid) {
  facts["old_ids_in"] = {"/boot/initrd.img-6.1.0-49-amd64"};
  for (const std::string& version :
       std::vector<std::string>{k_version, "6.1.0-49-amd64", "6.1.0-48-amd64"}) {
    kernel(version);
    image(version, {"virtio_blk.ko", "virtio_pci.ko", "ext4.ko"});
  }
  fix("initramfs");
  EXPECT_THAT(runs_now(), ElementsAre("/usr/sbin/update-initramfs -u -k 6.1.0-49-amd64"));
  // Built on other hardware, it is told what to hold.
  EXPECT_THAT(get("/etc/initramfs-tools/modules"), HasSubstr("virtio_blk\nvirtio_pci\next4\n"));
}

TEST_F(InitramfsFixer, BuildsAnImageOnceThatLacksDriversAndNamesAnOldUuid) {
  facts["old_ids_in"] = {"/boot/initrd.img-" + k_version};
  fix("initramfs");
  EXPECT_THAT(runs_now(), ElementsAre("/usr/sbin/update-initramfs -u -k 6.1.0-50-amd64"));
}

TEST_F(InitramfsFixer, SaysThatAnImageKeepsAnOldUuidWhereNoToolIs) {
  facts["old_ids_in"] = {"/boot/initrd.img-" + k_version};
  image(k_version, {"virtio_blk.ko", "virtio_pci.ko", "ext4.ko"});
  std::filesystem::remove(host_path("/usr/sbin/update-initramfs"));
  fix("initramfs");
  EXPECT_THAT(findings_now(), ElementsAre("uuid-in-initramfs warns"));
  EXPECT_THAT(runs_now(), IsEmpty());
}

TEST_F(InitramfsFixer, MakesAnImageThatTheMenuNamesButIsNotThere) {
  std::filesystem::remove(host_path("/boot/initrd.img-" + k_version));
  fix("initramfs");
  EXPECT_THAT(runs_now(), ElementsAre("/usr/sbin/update-initramfs -c -k 6.1.0-50-amd64"));
}

TEST_F(InitramfsFixer, PutsInTheRootFilesystemToo) {
  image(k_version, {"virtio_blk.ko", "virtio_pci.ko"});
  fix("initramfs");
  EXPECT_THAT(runs_now(), ElementsAre("/usr/sbin/update-initramfs -u -k 6.1.0-50-amd64"));
}

TEST_F(InitramfsFixer, KnowsWhatIsBuiltIn) {
  put("/lib/modules/" + k_version + "/modules.builtin",
      "kernel/drivers/block/virtio_blk.ko\nkernel/drivers/virtio/virtio_pci.ko\n");
  fix("initramfs");
  EXPECT_THAT(runs_now(), IsEmpty());
  EXPECT_THAT(findings_now(), IsEmpty());
}

TEST_F(InitramfsFixer, KnowsWhatAnOldKernelHasBuiltIn) {
  put("/boot/config-" + k_version, "CONFIG_VIRTIO_BLK=y\nCONFIG_VIRTIO_PCI=y\n");
  fix("initramfs");
  EXPECT_THAT(runs_now(), IsEmpty());
}

TEST_F(InitramfsFixer, RefusesAKernelWithoutVirtio) {
  put("/lib/modules/" + k_version + "/modules.dep", "kernel/fs/ext4/ext4.ko:\n");
  fix("initramfs");
  EXPECT_THAT(findings_now(), ElementsAre("no-virtio blocks"));
  EXPECT_THAT(messages_now(), Contains(HasSubstr("virtio_blk, virtio_pci")));
  EXPECT_THAT(edits_now(), IsEmpty());
}

TEST_F(InitramfsFixer, GivesAnIdeGuestItsDisksDrivers) {
  facts["hardware"] = {{"disk_bus", "ide"}, {"nic_model", "e1000"}};
  facts["disks"][0]["name"] = "sda";
  put("/lib/modules/" + k_version + "/modules.dep",
      "kernel/ata/ata_piix.ko:\nkernel/scsi/sd_mod.ko:\nkernel/fs/ext4/ext4.ko:\n");
  fix("initramfs");
  EXPECT_EQ(get("/etc/initramfs-tools/modules"),
            "# List of modules\nxen-blkfront\nata_piix\nsd_mod\next4\n");
  EXPECT_THAT(findings_now(), IsEmpty());
  image(k_version, {"ata_piix.ko", "sd_mod.ko", "ext4.ko"});
  fix("initramfs");
  EXPECT_THAT(runs_now(), IsEmpty());
}

TEST_F(InitramfsFixer, GivesAnIdeGuestOfTheOldLayerThatOnesDrivers) {
  facts["hardware"] = {{"disk_bus", "ide"}, {"nic_model", "rtl8139"}};
  facts["disks"][0]["name"] = "hda";
  put("/lib/modules/" + k_version + "/modules.dep",
      "kernel/ide/piix.ko:\nkernel/ide/ide-disk.ko:\nkernel/fs/ext4/ext4.ko:\n");
  fix("initramfs");
  EXPECT_EQ(get("/etc/initramfs-tools/modules"),
            "# List of modules\nxen-blkfront\npiix\nide_disk\next4\n");
}

TEST_F(InitramfsFixer, RefusesAGuestWithoutATool) {
  std::filesystem::remove(host_path("/usr/sbin/update-initramfs"));
  fix("initramfs");
  EXPECT_THAT(findings_now(), ElementsAre("no-initramfs-tool blocks"));
  EXPECT_THAT(edits_now(), IsEmpty());
}

TEST_F(InitramfsFixer, TellsOfOtherKernels) {
  image(k_version, {"virtio_blk.ko", "virtio_pci.ko", "ext4.ko"});
  kernel("5.10.0-9-amd64");
  image("5.10.0-9-amd64", {"ext4.ko"});
  fix("initramfs");
  EXPECT_THAT(findings_now(), ElementsAre("initramfs-other-kernel informs"));
  EXPECT_THAT(messages_now(), ElementsAre(HasSubstr("(/boot/initrd.img-5.10.0-9-amd64)")));
  EXPECT_THAT(runs_now(), IsEmpty());
}

TEST_F(InitramfsFixer, TakesARebuildWhereAnImageIsGarbage) {
  put("/boot/initrd.img-" + k_version, "no archive at all");
  fix("initramfs");
  EXPECT_THAT(findings_now(), ElementsAre("initramfs-unreadable warns"));
  EXPECT_EQ(runs_now().size(), 1U);
}

class InitramfsOfRedHat : public InitramfsFixer {
 protected:
  void SetUp() override {
    kernel("2.6.18-398.el5");
    put("/boot/initrd-2.6.18-398.el5.img", cpio_of({"lib/xenblk.ko", "lib/ext3.ko"}));
    put("/boot/grub/grub.conf",
        "default=0\ntitle CentOS (2.6.18-398.el5)\n\troot (hd0,0)\n\tkernel "
        "/vmlinuz-2.6.18-398.el5 "
        "ro root=LABEL=/\n\tinitrd /initrd-2.6.18-398.el5.img\n");
    facts["guest"]["menu"] = "/boot/grub/grub.conf";
    facts["guest"]["distribution"] = "centos";
    facts["disks"][0]["loader"] = "grub-legacy";
    facts["filesystems"][1]["type"] = "ext3";
    facts["boot_device"] = "vda1";
  }
};

TEST_F(InitramfsOfRedHat, UsesMkinitrdOfCentos5) {
  put("/sbin/mkinitrd", "#!/bin/bash\n", 0755);
  put("/etc/modprobe.conf", "alias eth0 xennet\nalias scsi_hostadapter virtio_blk\n");
  fix("initramfs");
  EXPECT_EQ(get("/etc/modprobe.conf"),
            "alias eth0 xennet\nalias scsi_hostadapter virtio_blk\n"
            "alias scsi_hostadapter1 virtio_pci\n");
  EXPECT_THAT(runs_now(),
              ElementsAre("/sbin/mkinitrd -f --with=virtio_blk --with=virtio_pci --with=ext4 "
                          "/boot/initrd-2.6.18-398.el5.img 2.6.18-398.el5"));
}

TEST_F(InitramfsOfRedHat, UsesDracutWithoutHostOnly) {
  put("/sbin/dracut", "#!/bin/bash\n# --no-hostonly\n", 0755);
  fix("initramfs");
  EXPECT_THAT(get("/etc/dracut.conf.d/vmconvert.conf"),
              HasSubstr("add_drivers+=\" virtio_blk virtio_pci ext4 \"\n"));
  EXPECT_THAT(runs_now(),
              ElementsAre("/sbin/dracut --force --no-hostonly /boot/initrd-2.6.18-398.el5.img "
                          "2.6.18-398.el5"));
}

TEST_F(InitramfsOfRedHat, UsesMkinitrdOfSuse) {
  put("/sbin/mkinitrd", "#!/bin/bash\n", 0755);
  put("/etc/sysconfig/kernel", "INITRD_MODULES=\"processor ext3 virtio-blk\"\n");
  fix("initramfs");
  EXPECT_EQ(get("/etc/sysconfig/kernel"),
            "INITRD_MODULES=\"processor ext3 virtio-blk virtio_pci ext4\"\n");
  EXPECT_THAT(runs_now(), ElementsAre("/sbin/mkinitrd -k /boot/vmlinuz-2.6.18-398.el5 -i "
                                      "/boot/initrd-2.6.18-398.el5.img"));
}

TEST_F(InitramfsOfRedHat, ChecksXensDriverForAGuestThatGoesToXen) {
  facts["to"] = "xen";
  facts["disks"][0]["loader"] = "none";
  fix("initramfs");
  EXPECT_THAT(findings_now(), IsEmpty());
  put("/boot/initrd-2.6.18-398.el5.img", cpio_of({"lib/ext3.ko"}));
  fix("initramfs");
  EXPECT_THAT(findings_now(), ElementsAre("no-xen-driver blocks"));
}

TEST_F(InitramfsOfRedHat, SurvivesHostileMenus) {
  for (const std::string& text :
       {std::string("default=99999999999999\ntitle\nkernel\ninitrd\n"), std::string(5000, 't'),
        std::string("title x\nkernel (hd0\ninitrd (\n"), std::string("kernel /vmlinuz\n"),
        std::string("title x\nkernel /../../../etc/passwd root=\n")}) {
    put("/boot/grub/grub.conf", text);
    fix("initramfs");
    EXPECT_THAT(findings_now(), ElementsAre("no-initramfs-tool blocks")) << text.substr(0, 40);
  }
}

}  // namespace
