// Arguments, and the configuration of guests that have a loader.
#include "fixer_bootloader_support.hpp"

namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

TEST_F(BootloaderFixer, CorrectsArguments) {
  const std::string serial = " console=ttyS0";
  EXPECT_EQ(arguments("root=/dev/xvda2 ro  quiet console=hvc0"),
            "root=" + k_root + " ro  quiet console=ttyS0");
  EXPECT_EQ(arguments("root=/dev/xvda2 console=xvc0 ro"), "root=" + k_root + " console=ttyS0 ro");
  EXPECT_EQ(arguments("root=/dev/xvda2 console=tty0 console=hvc0 console=ttyS0,9600"),
            "root=" + k_root + " console=tty0 console=ttyS0,9600");
  EXPECT_EQ(arguments("root=/dev/xvda2 console=tty0"), "root=" + k_root + " console=tty0" + serial);
  EXPECT_EQ(arguments("root=" + k_root + " ro"), "root=" + k_root + " ro console=tty0" + serial);
  EXPECT_EQ(arguments("xencons=tty root=/dev/xvda2 clocksource=xen iommu=soft xen_blkfront.max=32" +
                      serial),
            "root=" + k_root + " iommu=soft" + serial);
  EXPECT_EQ(
      arguments("root=/dev/vda2 elevator=noop xen.balloon_boot_timeout=600 xen_scrub_pages=0" +
                serial),
      "root=/dev/vda2 elevator=noop" + serial);
  EXPECT_EQ(arguments("root=/dev/xvda2 resume=/dev/xvda1" + serial),
            "root=" + k_root + " resume=UUID=11111111-2222-4333-8444-555555555501" + serial);
  EXPECT_THAT(findings_now(), IsEmpty());
  EXPECT_EQ(arguments("root=/dev/vda2 consoles=hvc0 $x" + serial),
            "root=/dev/vda2 consoles=hvc0 $x" + serial);
}

TEST_F(BootloaderFixer, LeavesVolumesAndLabelsThatAreThere) {
  facts["filesystems"].push_back({{"device", "vg-a/root"},
                                  {"type", "ext4"},
                                  {"uuid", "u-1"},
                                  {"label", "top"},
                                  {"mountpoint", ""}});
  for (const std::string root :
       {"/dev/mapper/vg--a-root", "/dev/vg-a/root", "LABEL=top", "UUID=u-1",
        "/dev/disk/by-uuid/u-1", "PARTUUID=1-2", "/dev/nfs", "$root"}) {
    EXPECT_EQ(arguments("root=" + root + " console=ttyS0"), "root=" + root + " console=ttyS0");
    EXPECT_THAT(findings_now(), IsEmpty()) << root;
  }
}

TEST_F(BootloaderFixer, SaysThatARootIsUnknown) {
  EXPECT_EQ(arguments("root=LABEL=gone console=ttyS0"), "root=LABEL=gone console=ttyS0");
  EXPECT_THAT(findings_now(), ElementsAre("root-not-found blocks"));
  EXPECT_EQ(arguments("root=/dev/xvdq1 console=ttyS0"), "root=/dev/xvdq1 console=ttyS0");
  EXPECT_THAT(findings_now(), ElementsAre("root-not-found blocks"));
  EXPECT_EQ(arguments("root=/dev/xvda2 resume=/dev/xvdz9 console=ttyS0"),
            "root=" + k_root + " console=ttyS0");
  EXPECT_THAT(findings_now(), ElementsAre("resume-not-found informs"));
}

TEST_F(BootloaderFixer, KeepsAnOldEntryFromBlocking) {
  loader("grub2");
  put("/boot/grub/grub.cfg",
      "set default=\"0\"\nlinux /a root=/dev/xvda2 console=ttyS0\ninitrd /a\n"
      "linux /b root=/dev/hdz9 console=ttyS0\ninitrd /b\n");
  fix("bootloader");
  EXPECT_THAT(findings_now(), ElementsAre("root-not-found warns"));
}

TEST_F(BootloaderFixer, NamesTheDeviceForAKernelWithoutInitrd) {
  loader("grub2");
  put("/boot/grub/grub.cfg", "linux /vmlinuz root=/dev/xvda2 console=ttyS0\n}\n");
  fix("bootloader");
  EXPECT_EQ(get("/boot/grub/grub.cfg"), "linux /vmlinuz root=/dev/vda2 console=ttyS0\n}\n");
}

TEST_F(BootloaderFixer, KeepsDebiansGrub2) {
  loader("grub2");
  put("/boot/grub/grub.cfg",
      "set default=\"0\"\nmenuentry 'Debian' {\n\tsearch --fs-uuid --set=root x\n"
      "\tlinux\t/boot/vmlinuz-6.1.0-50-amd64 root=/dev/xvda2 ro console=hvc0\n"
      "\tinitrd\t/boot/initrd.img-6.1.0-50-amd64\n}\n"
      "menuentry 'Memory test' {\n\tlinux16\t/boot/memtest86+.bin\n}\n");
  put("/etc/default/grub",
      "GRUB_DEFAULT=0\nGRUB_CMDLINE_LINUX_DEFAULT=\"quiet\"\n"
      "GRUB_CMDLINE_LINUX='console=hvc0 resume=/dev/xvda1'\n#GRUB_CMDLINE_LINUX=console=hvc0\n"
      "GRUB_CMDLINE_XEN=\"console=hvc0\"\n");
  put("/boot/grub/device.map", "(fd0)\t/dev/fd0\n(hd0)\t/dev/disk/by-id/xen-1\n");
  fix("bootloader");
  EXPECT_EQ(get("/boot/grub/grub.cfg"),
            "set default=\"0\"\nmenuentry 'Debian' {\n\tsearch --fs-uuid --set=root x\n"
            "\tlinux\t/boot/vmlinuz-6.1.0-50-amd64 root=" +
                k_root +
                " ro console=ttyS0\n"
                "\tinitrd\t/boot/initrd.img-6.1.0-50-amd64\n}\n"
                "menuentry 'Memory test' {\n\tlinux16\t/boot/memtest86+.bin\n}\n");
  EXPECT_EQ(get("/etc/default/grub"),
            "GRUB_DEFAULT=0\nGRUB_CMDLINE_LINUX_DEFAULT=\"quiet\"\n"
            "GRUB_CMDLINE_LINUX='console=ttyS0 resume=UUID=11111111-2222-4333-8444-555555555501'\n"
            "#GRUB_CMDLINE_LINUX=console=hvc0\nGRUB_CMDLINE_XEN=\"console=hvc0\"\n");
  EXPECT_EQ(get("/boot/grub/device.map"), "(fd0)\t/dev/fd0\n(hd0)\t/dev/vda\n");
  EXPECT_EQ(disk("vda", 0, 512), std::string(512, '\0'));
}

TEST_F(BootloaderFixer, AddsTheSerialConsoleWhereEveryEntryHasIt) {
  loader("grub2");
  put("/etc/default/grub", "GRUB_CMDLINE_LINUX_DEFAULT=quiet\nGRUB_CMDLINE_LINUX=\"\"\n");
  fix("bootloader");
  EXPECT_EQ(get("/etc/default/grub"),
            "GRUB_CMDLINE_LINUX_DEFAULT=quiet\n"
            "GRUB_CMDLINE_LINUX=\"console=tty0 console=ttyS0\"\n");
}

TEST_F(BootloaderFixer, CorrectsBootLoaderEntriesAndTheEnvironmentBlock) {
  loader("grub2");
  put("/boot/loader/entries/a.conf",
      "title A\ninitrd /i\noptions root=/dev/xvda2 ro console=hvc0\n");
  put("/boot/loader/entries/b.conf", "title B\noptions $kernelopts\n");
  std::string block = "# GRUB Environment Block\nkernelopts=root=/dev/xvda2 console=hvc0 \nx=1\n";
  block.resize(1024, '#');
  put("/boot/grub2/grubenv", block);
  fix("bootloader");
  EXPECT_EQ(get("/boot/loader/entries/a.conf"),
            "title A\ninitrd /i\noptions root=" + k_root + " ro console=ttyS0\n");
  EXPECT_EQ(get("/boot/loader/entries/b.conf"), "title B\noptions $kernelopts\n");
  std::string now =
      "# GRUB Environment Block\nkernelopts=root=" + k_root + " console=ttyS0 \nx=1\n";
  now.resize(1024, '#');
  EXPECT_EQ(get("/boot/grub2/grubenv"), now);
}

TEST_F(BootloaderFixer, KeepsCentos5sGrubLegacy) {
  loader("grub-legacy");
  put("/boot/grub/grub.conf", k_centos5);
  link("/boot/grub/menu.lst", "./grub.conf");
  put("/boot/grub/device.map", "(hd0)     /dev/xvda\n");
  facts["renames"].push_back({{"from", "xvda"}, {"to", "vda"}});
  fix("bootloader");
  const std::string now = get("/boot/grub/grub.conf");
  EXPECT_THAT(now, HasSubstr("kernel /vmlinuz-2.6.18-398.el5 ro root=" + k_root +
                             " rhgb console=tty0 console=ttyS0\n"));
  EXPECT_THAT(
      now, HasSubstr("kernel /vmlinuz-2.6.18-400.el5xen ro root=" + k_root + " console=ttyS0\n"));
  EXPECT_THAT(now, StartsWith("# grub.conf generated by anaconda\n#boot=/dev/xvda\ndefault=1\n"));
  EXPECT_EQ(get("/boot/grub/device.map"), "(hd0)     /dev/vda\n");
  EXPECT_EQ(target("/boot/grub/menu.lst"), "./grub.conf");
}

TEST_F(BootloaderFixer, SurvivesHostileMenus) {
  std::string deep;
  for (int i = 0; i < 20000; ++i) {
    deep += "title t\nkernel /k root=/dev/xvda2 console=hvc0\ninitrd /i\n";
  }
  for (const std::string& text :
       {deep, std::string("kernel\nmodule\ntitle\nkernel --\nroot\n# kopt\n# kopt=\n"),
        std::string("default=18446744073709551616\ntimeout=-1\ntitle x\nkernel (hd0\n"),
        std::string("title x\nmodule\nmodule x\nkernel /xen.gz\nmodule /v root=\nmodule /i\n"),
        std::string(1U << 20U, 'a'), std::string("title \xff\xfe\nkernel /\xff root=\xff\n")}) {
    loader("grub-legacy");
    put("/boot/grub/menu.lst", text);
    put("/boot/grub/grub.cfg", text);
    put("/boot/grub/device.map", "(hd\n(hd0) /dev/\n(hd) /dev/disk/by-id/x\n(hd /dev/xvda\n");
    put("/boot/grub/grubenv", "\nkernelopts=root=/dev/xvda2\n" + std::string(997, '#'));
    put("/etc/default/grub", "GRUB_CMDLINE_LINUX\nGRUB_CMDLINE_LINUX=\"\nGRUB_CMDLINE_LINUX=' '\n");
    fix("bootloader");
    loader("none");
    run_only("bootloader");
  }
}

}  // namespace
