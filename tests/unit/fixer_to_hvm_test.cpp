// A PV guest that becomes HVM on another Xen: it gets a loader and a serial console as for KVM, and
// all of Xen stays.
#include "fixer_bootloader_support.hpp"

namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class ToHvm : public BootloaderFixer {
 protected:
  void SetUp() override {
    put_disk("xvda", std::string(2U << 20U, '\0'));
    facts = nlohmann::json::parse(vmconvert::replace_all(facts.dump(), "\"vda", "\"xvda"));
    facts["to"] = "xen";
    facts["hardware"] = {{"disk_bus", "xen"}, {"nic_model", "xen"}, {"boots_disk", true}};
  }
};

TEST_F(ToHvm, GetsALoaderInItsDisk) {
  put("/boot/grub/menu.lst", k_debian_menu);
  put("/usr/bin/dpkg", "");
  kernel("6.1.0-50-amd64");
  fix("bootloader");
  EXPECT_THAT(findings_now(), IsEmpty());
  EXPECT_EQ(disk("xvda", 512, 1), "\x52");
  EXPECT_TRUE(there("/boot/grub/i386-pc/normal.mod"));
  EXPECT_THAT(
      get("/boot/grub/grub.cfg"),
      HasSubstr("linux /boot/vmlinuz-6.1.0-50-amd64 root=" + k_root + " ro console=ttyS0\n"));
}

// Linux may call the disks of an HVM machine sda or xvde, too.
TEST_F(ToHvm, NamesItsRootByUuid) {
  EXPECT_EQ(arguments("root=/dev/xvda2 ro console=hvc0"), "root=" + k_root + " ro console=ttyS0");
  put("/etc/fstab", "/dev/xvda2 / ext4 defaults 0 1\n");
  fix("fstab");
  EXPECT_EQ(get("/etc/fstab"), k_root + " / ext4 defaults 0 1\n");
}

TEST_F(ToHvm, KeepsWhatIsXens) {
  EXPECT_EQ(arguments("root=/dev/xvda2 clocksource=xen xen_blkfront.max=32 console=ttyS0"),
            "root=" + k_root + " clocksource=xen xen_blkfront.max=32 console=ttyS0");
  EXPECT_EQ(arguments("root=/dev/xvda2 xen_emul_unplug=never xen_nopv console=ttyS0"),
            "root=" + k_root + " console=ttyS0")
      << "a PV guest passes these over; of an HVM guest they take Xen's disks away";
  put("/etc/modules", "xen-netfront\n");
  fix("xen-leftovers");
  EXPECT_EQ(get("/etc/modules"), "xen-netfront\n");
}

TEST_F(ToHvm, MovesTheLoginToTheSerialPort) {
  put("/etc/inittab", "h0:2345:respawn:/sbin/getty 38400 hvc0\n");
  fix("consoles");
  EXPECT_THAT(get("/etc/inittab"), HasSubstr("ttyS0"));
}

TEST_F(ToHvm, NeedsAKernelOfItsOwn) {
  put("/boot/vmlinuz-2.6.18-400.el5xen", "k");
  fix("host-kernel");
  EXPECT_THAT(findings_now(), ElementsAre("xen-only-kernel blocks"));
}

class InitramfsToHvm : public ToHvm {
 protected:
  void SetUp() override {
    ToHvm::SetUp();
    kernel("6.1.0-50-amd64");
    put("/boot/grub/grub.cfg",
        "menuentry 'a' {\n  linux /boot/vmlinuz-6.1.0-50-amd64 root=UUID=x\n  initrd "
        "/boot/initrd.img-6.1.0-50-amd64\n}\n");
    put("/usr/sbin/update-initramfs", "#!/bin/sh\n", 0755);
    put("/etc/initramfs-tools/modules", "");
    modules("kernel/fs/ext4/ext4.ko:\nkernel/drivers/block/xen-blkfront.ko:\n");
  }
  void modules(const std::string& list) { put("/lib/modules/6.1.0-50-amd64/modules.dep", list); }
};

TEST_F(InitramfsToHvm, TakesADriverThatIsBuiltIn) {
  put("/boot/config-6.1.0-50-amd64", "CONFIG_XEN_PVHVM_GUEST=y\n");
  fix("initramfs");
  EXPECT_THAT(get("/etc/initramfs-tools/modules"), HasSubstr("xen_blkfront"));
  EXPECT_THAT(get("/etc/initramfs-tools/modules"), Not(HasSubstr("platform")));
}

TEST_F(InitramfsToHvm, PutsThePlatformDriverIn) {
  modules(
      "kernel/fs/ext4/ext4.ko:\nkernel/drivers/block/xen-blkfront.ko:\n"
      "kernel/drivers/xen/xen-platform-pci.ko:\n");
  fix("initramfs");
  EXPECT_THAT(get("/etc/initramfs-tools/modules"), HasSubstr("xen_platform_pci"));
}

TEST_F(InitramfsToHvm, BlocksAKernelThatFindsNoDisks) {
  put("/boot/config-6.1.0-50-amd64", "CONFIG_XEN=y\n");
  fix("initramfs");
  EXPECT_THAT(findings_now(), Contains("no-xen-driver blocks"));
  EXPECT_THAT(messages_now(), Contains(HasSubstr("xen_platform_pci")));
}

}  // namespace
