#include "fixer_testing.hpp"

namespace {

class XenLeftoversFixer : public FixerTest {
 protected:
  std::string after(const std::string& path, const std::string& before) {
    put(path, before);
    fix("xen-leftovers");
    return get(path);
  }
};

TEST_F(XenLeftoversFixer, LoadsNoXenModules) {
  const std::string before =
      "# /etc/modules\nloop\nxen-blkfront\n  xen_netfront  # net\nxennet\nxenfs\n"
      "evtchn\n#xenblk\nxenial";
  const std::string now =
      "# /etc/modules\nloop\n# vmconvert, not for KVM: xen-blkfront\n"
      "# vmconvert, not for KVM:   xen_netfront  # net\n# vmconvert, not for KVM: xennet\n"
      "# vmconvert, not for KVM: xenfs\n# vmconvert, not for KVM: evtchn\n#xenblk\nxenial";
  EXPECT_EQ(after("/etc/modules", before), now);
  EXPECT_EQ(after("/etc/modules-load.d/xen.conf", before), now);
  EXPECT_EQ(after("/etc/initramfs-tools/modules", before), now);
  EXPECT_EQ(after("/etc/modules-load.d/README", before), before);
}

TEST_F(XenLeftoversFixer, GivesMkinitrdOfAGuestWithoutVirtioTheIdeDriver) {
  facts["hardware"] = {{"disk_bus", "ide"}, {"nic_model", "e1000"}};
  facts["disks"][0]["name"] = "sda";
  put("/etc/modprobe.conf", "alias scsi_hostadapter xenblk\nblacklist virtio_blk\n");
  fix("xen-leftovers");
  EXPECT_EQ(get("/etc/modprobe.conf"), "alias scsi_hostadapter ata_piix\nblacklist virtio_blk\n");
}

TEST_F(XenLeftoversFixer, GivesMkinitrdOfCentos5TheNewDiskDriver) {
  EXPECT_EQ(after("/etc/modprobe.conf",
                  "alias eth0 xennet\nalias scsi_hostadapter xenblk\nalias scsi_hostadapter1 ahci\n"
                  "options xenblk x=1\n"),
            "alias eth0 xennet\nalias scsi_hostadapter virtio_blk\nalias scsi_hostadapter1 ahci\n"
            "options xenblk x=1\n");
}

TEST_F(XenLeftoversFixer, LetsVirtioIn) {
  EXPECT_EQ(
      after("/etc/modprobe.d/local.conf",
            "blacklist virtio_blk\nblacklist virtio-net # not here\nblacklist virtio_balloon\n"
            "blacklist pcspkr\ninstall virtio_pci /bin/true\ninstall virtio_scsi /sbin/x\n"),
      "# vmconvert, not for KVM: blacklist virtio_blk\n"
      "# vmconvert, not for KVM: blacklist virtio-net # not here\nblacklist virtio_balloon\n"
      "blacklist pcspkr\n# vmconvert, not for KVM: install virtio_pci /bin/true\n"
      "install virtio_scsi /sbin/x\n");
  EXPECT_THAT(findings_now(), testing::Each("virtio-blacklisted informs"));
  EXPECT_EQ(findings_now().size(), 3U);
}

TEST_F(XenLeftoversFixer, CleansTheModuleListsOfSles11) {
  EXPECT_EQ(after("/etc/sysconfig/kernel",
                  "## Type: string\n# e.g. INITRD_MODULES=\"xenblk\"\n"
                  "INITRD_MODULES=\"xenblk processor jbd ext3\"\n"
                  "DOMU_INITRD_MODULES=\"xennet xenblk\"\r\n"
                  "MODULES_LOADED_ON_BOOT='xen-scsi loop'  # x\n"),
            "## Type: string\n# e.g. INITRD_MODULES=\"xenblk\"\n"
            "INITRD_MODULES=\"processor jbd ext3 virtio_pci virtio_blk virtio_net\"\n"
            "DOMU_INITRD_MODULES=\"\"\r\n"
            "MODULES_LOADED_ON_BOOT='loop'  # x\n");
}

// Without quotes a shell would take the second module for a program.
TEST_F(XenLeftoversFixer, QuotesAListThatGrows) {
  put("/etc/sysconfig/kernel", "INITRD_MODULES=xenblk\n");
  fix("xen-leftovers");
  EXPECT_EQ(get("/etc/sysconfig/kernel"), "INITRD_MODULES=\"virtio_pci virtio_blk virtio_net\"\n");
}

TEST_F(XenLeftoversFixer, LeavesModuleListsWithoutXen) {
  const std::string text =
      "INITRD_MODULES=\"  ata_piix  ext3 \"\nINITRD_MODULES=\"broken\nOTHER=xenblk\n";
  EXPECT_EQ(after("/etc/sysconfig/kernel", text), text);
}

TEST_F(XenLeftoversFixer, ForcesNoXenDriversInDracut) {
  EXPECT_EQ(
      after("/etc/dracut.conf.d/xen.conf",
            "add_drivers+=\" xen-blkfront \"\nforce_drivers+=\" xen-blkfront ext4 xen-netfront \"\n"
            "omit_drivers+=\" virtio_blk floppy \"\n"),
      "add_drivers+=\" xen-blkfront \"\nforce_drivers+=\" ext4 \"\nomit_drivers+=\" floppy \"\n");
  EXPECT_THAT(findings_now(), testing::ElementsAre("virtio-blacklisted informs"));
}

TEST_F(XenLeftoversFixer, DisablesXensServices) {
  const std::string wants = "/etc/systemd/system/multi-user.target.wants/";
  for (const std::string name : {"xe-linux-distribution", "xendomains", "ssh"}) {
    put("/lib/systemd/system/" + name + ".service", "[Service]\n");
    link(wants + name + ".service", "/lib/systemd/system/" + name + ".service");
  }
  put("/etc/init.d/xe-daemon", "#!/bin/sh\n");
  link("/etc/rc2.d/S20xe-daemon", "../init.d/xe-daemon");
  link("/etc/rc3.d/S20xe-daemon", "../init.d/xe-daemon");
  fix("xen-leftovers");
  EXPECT_FALSE(there(wants + "xe-linux-distribution.service"));
  EXPECT_FALSE(there(wants + "xendomains.service"));
  EXPECT_TRUE(there(wants + "ssh.service"));
  EXPECT_TRUE(there("/etc/rc2.d/S20xe-daemon"));
  EXPECT_THAT(findings_now(), testing::ElementsAre("xen-service-enabled informs"));
}

TEST_F(XenLeftoversFixer, MountsNoXenfs) {
  EXPECT_EQ(
      after("/etc/fstab", "proc /proc proc defaults 0 0\nnone\t/proc/xen\txenfs defaults 0 0\n"),
      "proc /proc proc defaults 0 0\n"
      "# vmconvert, not for KVM: none\t/proc/xen\txenfs defaults 0 0\n");
}

TEST_F(XenLeftoversFixer, SetsNoXenSysctls) {
  const std::string before = "xen.independent_wallclock = 1\nnet.ipv4.ip_forward=1\n;xen.x=1\n";
  const std::string now =
      "# vmconvert, not for KVM: xen.independent_wallclock = 1\n"
      "net.ipv4.ip_forward=1\n;xen.x=1\n";
  EXPECT_EQ(after("/etc/sysctl.conf", before), now);
  EXPECT_EQ(after("/etc/sysctl.d/xen.conf", before), now);
}

TEST_F(XenLeftoversFixer, ChangesNothingForXen) {
  facts["to"] = "xen";
  EXPECT_EQ(after("/etc/modules", "xen-blkfront\n"), "xen-blkfront\n");
}

TEST_F(XenLeftoversFixer, LeavesWhatIsNoText) {
  const std::string noise("xennet\n\0", 8);
  EXPECT_EQ(after("/etc/modules", noise), noise);
  EXPECT_THAT(findings_now(), testing::ElementsAre("config-not-text warns"));
}

TEST_F(XenLeftoversFixer, SurvivesOddLines) {
  const std::string odd =
      "=\nforce_drivers\nforce_drivers+\nforce_drivers+=\nforce_drivers+='\n"
      "omit_drivers+=\"\"\nforce_drivers=\"" +
      std::string(100000, ' ') + "\"\n";
  EXPECT_EQ(after("/etc/dracut.conf", odd), odd);
}

}  // namespace
