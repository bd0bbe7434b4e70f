#include "fixer_testing.hpp"

namespace {

constexpr const char* k_root = "3b1c5f2e-8a52-4a0e-9d0c-0a5a3a1f7b11";
constexpr const char* k_swap = "9f6f1d3a-77aa-4a39-8f5d-2b1c6f0e4d22";
constexpr const char* k_home = "c0ffee00-1234-4321-8888-0123456789ab";

// A guest of two volumes that became one disk, and a data disk with a table of its own.
class FstabFixer : public FixerTest {
 protected:
  FstabFixer() {
    facts["renames"] = {{{"from", "xvda1"}, {"to", "vda1"}},
                        {{"from", "xvda2"}, {"to", "vda2"}},
                        {{"from", "xvdb"}, {"to", "vdb"}}};
    facts["filesystems"] = {filesystem("vda1", "swap", k_swap, ""),
                            filesystem("vda2", "ext3", k_root, "/"),
                            filesystem("vdb5", "xfs", k_home, "home dir")};
  }
  static nlohmann::json filesystem(const std::string& device, const std::string& type,
                                   const std::string& uuid, const std::string& label) {
    return {
        {"device", device}, {"type", type}, {"uuid", uuid}, {"label", label}, {"mountpoint", ""}};
  }
  std::string fstab_after(const std::string& before) {
    put("/etc/fstab", before);
    fix("fstab");
    return get("/etc/fstab");
  }
};

TEST_F(FstabFixer, KeepsTheNamesOfIdeDisksThatStayWhereTheyWere) {
  facts["hardware"] = {{"disk_bus", "ide"}, {"nic_model", "e1000"}};
  facts["renames"] = {{{"from", "hda1"}, {"to", "hda1"}},
                      {{"from", "hda2"}, {"to", "hda2"}},
                      {{"from", "xvdb"}, {"to", "hdb"}}};
  facts["filesystems"] = {filesystem("hda1", "swap", k_swap, ""),
                          filesystem("hda2", "ext3", k_root, "/"),
                          filesystem("hdb5", "xfs", k_home, "home dir")};
  EXPECT_EQ(fstab_after("/dev/hda2 / ext3 defaults 0 1\n"
                        "/dev/disk/by-path/pci-0000:00:01.1-ide-0:0-part1 swap swap sw 0 0\n"
                        "/dev/xvdb5 /home xfs defaults 0 0\n"),
            "/dev/hda2 / ext3 defaults 0 1\n"
            "/dev/disk/by-path/pci-0000:00:01.1-ide-0:0-part1 swap swap sw 0 0\n"
            "UUID=c0ffee00-1234-4321-8888-0123456789ab /home xfs defaults 0 0\n");
}

TEST_F(FstabFixer, NamesDebiansDisksByUuidAndKeepsEveryOtherByte) {
  EXPECT_EQ(
      fstab_after("# /etc/fstab: static file system information.\n"
                  "#\n"
                  "# <file system> <mount point>   <type>  <options>       <dump>  <pass>\n"
                  "proc            /proc           proc    defaults        0       0\n"
                  "devpts          /dev/pts        devpts  rw,noexec,nosuid,gid=5,mode=620 0  0\n"
                  "/dev/xvda1      none            swap    sw              0       0\n"
                  "/dev/xvda2\t/               ext3    noatime,nodiratime,errors=remount-ro 0   1\n"
                  "  /dev/xvdb5 /home xfs defaults 0 2   # was /dev/xvdb5\n"
                  "#/dev/xvda1 /mnt ext3 defaults 0 0\n"
                  "\n"),
      "# /etc/fstab: static file system information.\n"
      "#\n"
      "# <file system> <mount point>   <type>  <options>       <dump>  <pass>\n"
      "proc            /proc           proc    defaults        0       0\n"
      "devpts          /dev/pts        devpts  rw,noexec,nosuid,gid=5,mode=620 0  0\n" +
          std::string("UUID=") + k_swap +
          "      none            swap    sw              0       0\n"
          "UUID=" +
          k_root +
          "\t/               ext3    noatime,nodiratime,errors=remount-ro 0   1\n"
          "  UUID=" +
          k_home +
          " /home xfs defaults 0 2   # was /dev/xvdb5\n"
          "#/dev/xvda1 /mnt ext3 defaults 0 0\n"
          "\n");
  EXPECT_TRUE(findings_now().empty());
}

TEST_F(FstabFixer, WorksForXenTargetsToo) {
  facts["to"] = "xen";
  facts["renames"] = {{{"from", "sda1"}, {"to", "xvda1"}}};
  facts["filesystems"] = {filesystem("xvda1", "ext3", k_root, "")};
  EXPECT_EQ(fstab_after("/dev/sda1 / ext3 defaults 0 1\n"),
            std::string("UUID=") + k_root + " / ext3 defaults 0 1\n");
}

TEST_F(FstabFixer, TakesTheKernelsNameForADiskThatTheDomainNamesOtherwise) {
  EXPECT_EQ(fstab_after("/dev/sda2 / ext3 defaults 1 1\n/dev/hda1 swap swap defaults 0 0\n"),
            std::string("UUID=") + k_root + " / ext3 defaults 1 1\nUUID=" + k_swap +
                " swap swap defaults 0 0\n");
}

TEST_F(FstabFixer, DoesNotGuessBetweenTwoDisks) {
  facts["renames"] = {{{"from", "xvda2"}, {"to", "vda2"}}, {{"from", "hda2"}, {"to", "vdb5"}}};
  const std::string line = "/dev/sda2 /srv ext3 defaults 1 1\n";
  EXPECT_EQ(fstab_after(line), line);
  EXPECT_THAT(findings_now(), testing::ElementsAre("fstab-unknown-device warns"));
}

TEST_F(FstabFixer, KeepsCarriageReturnsAndAMissingLastNewline) {
  EXPECT_EQ(
      fstab_after("/dev/xvda2 / ext3 defaults 0 1\r\n/dev/xvda1 none swap sw"),
      std::string("UUID=") + k_root + " / ext3 defaults 0 1\r\nUUID=" + k_swap + " none swap sw");
}

TEST_F(FstabFixer, NamesSwapWithoutUuidByItsNewDevice) {
  facts["filesystems"] = {filesystem("vda1", "swap", "", ""),
                          filesystem("vda2", "ext3", k_root, "")};
  EXPECT_EQ(fstab_after("/dev/xvda1 none swap sw 0 0\n"), "/dev/vda1 none swap sw 0 0\n");
}

TEST_F(FstabFixer, DoesNotNameOneOfTwoTwinsByTheirUuid) {
  facts["filesystems"] = {filesystem("vda1", "ext3", k_root, ""),
                          filesystem("vda2", "ext3", k_root, "")};
  EXPECT_EQ(fstab_after("/dev/xvda2 / ext3 defaults 0 1\n"), "/dev/vda2 / ext3 defaults 0 1\n");
}

TEST_F(FstabFixer, LeavesWhatIsStable) {
  const std::string text = std::string("UUID=") + k_root + " / ext3 defaults 1 1\n" +
                           "LABEL=/ /again ext3 noauto 0 0\n"
                           "LABEL=home\\040dir /home xfs defaults 0 0\n"
                           "UUID=\"C0FFEE00-1234-4321-8888-0123456789AB\" /h xfs noauto 0 0\n"
                           "/dev/disk/by-uuid/" +
                           k_home +
                           " /h2 xfs noauto 0 0\n"
                           "/dev/disk/by-label/home\\x20dir /h3 xfs noauto 0 0\n"
                           "/dev/disk/by-id/dm-name-system-data /data ext3 defaults 0 0\n"
                           "/dev/mapper/system-var /var ext3 defaults 0 0\n"
                           "/dev/system/usr /usr ext3 defaults 0 0\n"
                           "/dev/md0 /raid ext3 defaults 0 0\n"
                           "PARTUUID=1c2d3e4f-02 /p ext4 defaults 0 0\n"
                           "none /proc/bus/usb usbfs defaults 0 0\n"
                           "nas:/export /nas nfs hard,intr 0 0\n"
                           "//files/share /share cifs guest 0 0\n"
                           "/home /srv/home none bind 0 0\n"
                           "/dev /srv/chroot/dev none rw,bind 0 0\n"
                           "/swapfile none swap sw 0 0\n"
                           "/dev/hdc /media/cdrom0 udf,iso9660 user,noauto 0 0\n"
                           "/dev/xvdd /media/cdrom auto user,noauto 0 0\n"
                           "/dev/fd0 /media/floppy0 auto rw,user,noauto 0 0\n"
                           "tmpfs\n";
  EXPECT_EQ(fstab_after(text), text);
  EXPECT_TRUE(findings_now().empty()) << findings_now().front();
}

TEST_F(FstabFixer, KnowsTheDisksBehindLinks) {
  facts["renames"] = {{{"from", "xvda"}, {"to", "vda"}},
                      {{"from", "hdb"}, {"to", "vdb"}},
                      {{"from", "xvdaa3"}, {"to", "vdc3"}},
                      {{"from", "sdb1"}, {"to", "vdd1"}}};
  facts["filesystems"] = {
      filesystem("vda1", "swap", k_swap, ""), filesystem("vda2", "ext3", k_root, ""),
      filesystem("vdb5", "xfs", k_home, ""), filesystem("vdc3", "ext3", "u3", ""),
      filesystem("vdd1", "ext3", "u4", "")};
  EXPECT_EQ(fstab_after("/dev/disk/by-path/xen-vbd-51712-part1 swap swap defaults 0 0\n"
                        "/dev/disk/by-path/xen-vbd-51714 / ext3 acl 1 1\n"
                        "/dev/disk/by-id/ata-QEMU_HARDDISK_QM00002-part5 /home xfs defaults 0 0\n"
                        "/dev/disk/by-path/pci-0000:00:01.1-ide-0:1-part5 /h xfs defaults 0 0\n"
                        "/dev/disk/by-path/pci-0000:00:01.1-scsi-0:0:1:0-part5 /i xfs ro 0 0\n"
                        "/dev/disk/by-path/xen-vbd-268442115 /far ext3 ro 0 0\n"
                        "/dev/disk/by-path/xen-vbd-2065 /scsi ext3 ro 0 0\n"),
            std::string("UUID=") + k_swap + " swap swap defaults 0 0\nUUID=" + k_root +
                " / ext3 acl 1 1\nUUID=" + k_home + " /home xfs defaults 0 0\nUUID=" + k_home +
                " /h xfs defaults 0 0\nUUID=" + k_home +
                " /i xfs ro 0 0\nUUID=u3 /far ext3 ro 0 0\nUUID=u4 /scsi ext3 ro 0 0\n");
}

TEST_F(FstabFixer, SaysWhichLinesDoNotResolve) {
  const std::string text =
      "LABEL=SWAP-xvda9 swap swap defaults 0 0\n"
      "UUID=deadbeef-0000-0000-0000-000000000000 / ext3 defaults 1 1\n"
      "/dev/xvdq1 /var ext3 defaults 1 2\n"
      "/dev/xvdq2 /usr ext3 defaults,nofail 1 2\n"
      "/dev/disk/by-id/scsi-36005076-part1 /san ext3 defaults 0 0\n"
      "/dev/disk/by-path/xen-vbd-99999999999999999999-part1 /big ext3 noauto 0 0\n"
      "/dev/disk/by-path/xen-vbd-51712-part1x /odd ext3 noauto 0 0\n"
      "/dev/nvme0n1p1 /cache ext4 noauto 0 0\n";
  EXPECT_EQ(fstab_after(text), text);
  EXPECT_THAT(findings_now(),
              testing::ElementsAre("fstab-unresolved warns", "fstab-unresolved blocks",
                                   "fstab-unknown-device blocks", "fstab-unknown-device warns",
                                   "fstab-unknown-device warns", "fstab-unknown-device warns",
                                   "fstab-unknown-device warns", "fstab-unknown-device warns"));
  EXPECT_THAT(messages_now().front(),
              testing::HasSubstr("/etc/fstab line 1 takes swap from LABEL=SWAP-xvda9"));
}

TEST_F(FstabFixer, NamesTheSourcesOfCrypttab) {
  put("/etc/crypttab",
      "# <target name> <source device> <key file> <options>\n"
      "home_crypt\t/dev/xvdb5\tnone\tluks\n"
      "swap_crypt /dev/xvda1 /dev/urandom cipher=aes,swap\n"
      "key /dev/xvda2 /dev/xvda1 luks\n");
  fix("fstab");
  EXPECT_EQ(get("/etc/crypttab"),
            std::string("# <target name> <source device> <key file> <options>\n"
                        "home_crypt\tUUID=") +
                k_home +
                "\tnone\tluks\n"
                "swap_crypt /dev/vda1 /dev/urandom cipher=aes,swap\n"
                "key UUID=" +
                k_root + " /dev/xvda1 luks\n");
}

TEST_F(FstabFixer, NamesTheResumeDevice) {
  put("/etc/initramfs-tools/conf.d/resume", "RESUME=/dev/xvda1\n");
  put("/etc/initramfs-tools/initramfs.conf", "MODULES=most\n#RESUME=/dev/xvda1\nRESUME=\"none\"\n");
  fix("fstab");
  EXPECT_EQ(get("/etc/initramfs-tools/conf.d/resume"), std::string("RESUME=UUID=") + k_swap + "\n");
  EXPECT_EQ(get("/etc/initramfs-tools/initramfs.conf"),
            "MODULES=most\n#RESUME=/dev/xvda1\nRESUME=\"none\"\n");
  EXPECT_TRUE(findings_now().empty());
}

TEST_F(FstabFixer, InformsAboutAResumeDeviceThatIsGone) {
  put("/etc/initramfs-tools/conf.d/resume", "RESUME=UUID=deadbeef\n");
  fix("fstab");
  EXPECT_THAT(findings_now(), testing::ElementsAre("fstab-unresolved informs"));
}

TEST_F(FstabFixer, LeavesAGuestWithoutTables) {
  fix("fstab");
  EXPECT_TRUE(findings_now().empty());
}

TEST_F(FstabFixer, LeavesWhatIsNoText) {
  const std::string noise("/dev/xvda2\0 / ext3\n", 19);
  EXPECT_EQ(fstab_after(noise), noise);
  EXPECT_THAT(findings_now(), testing::ElementsAre("config-not-text warns"));
}

TEST_F(FstabFixer, RefusesATableThatIsTooLarge) {
  put("/etc/fstab", std::string(9U << 20U, 'x'));
  EXPECT_THAT(failure_of("fstab"), testing::HasSubstr("/etc/fstab"));
}

TEST_F(FstabFixer, SurvivesOddLines) {
  const std::string odd =
      "/dev/ / x\nUUID= /a b\nLABEL /a b\n\\ \\ \\\n/dev/sd /a b\n/dev/xvda2\n" +
      std::string(100000, '\\') + " /x ext3\nLABEL=\\x4 /y\nLABEL=\\777 /z z\n";
  EXPECT_EQ(fstab_after(odd), odd);
}

}  // namespace
