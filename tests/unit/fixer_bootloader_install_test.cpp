// Guests that get a loader: core image, modules, menu, and the script that keeps the menu.
#include <cstdlib>

#include "fixer_bootloader_support.hpp"
#include "guest/grub2_core.hpp"

namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST_F(BootloaderFixer, GivesAPygrubGuestItsLoaderAndMenu) {
  put("/boot/grub/menu.lst", k_debian_menu);
  put("/usr/bin/dpkg", "");
  kernel("6.1.0-50-amd64");
  kernel("6.1.0-9-amd64");
  const std::string table(72, 'T');
  put_disk("vda", std::string(440, '\0') + table + std::string(2U << 20U, '\0'));
  fix("bootloader");
  EXPECT_THAT(findings_now(), IsEmpty());
  EXPECT_EQ(get("/boot/grub/grub.cfg"),
            "# Written by vmconvert-update-grub from the kernels in /boot.\n"
            "# Settings: /etc/default/vmconvert-grub\nset default=0\nset timeout=2\n"
            "if serial --unit=0 --speed=115200; then\n  terminal_input console serial\n"
            "  terminal_output console serial\nfi\n"
            "search --no-floppy --fs-uuid --set=root 11111111-2222-4333-8444-555555555502\n"
            "\nmenuentry 'Linux 6.1.0-50-amd64' {\n"
            "  linux /boot/vmlinuz-6.1.0-50-amd64 root=" +
                k_root +
                " ro console=ttyS0\n"
                "  initrd /boot/initrd.img-6.1.0-50-amd64\n}\n"
                "\nmenuentry 'Linux 6.1.0-9-amd64' {\n"
                "  linux /boot/vmlinuz-6.1.0-9-amd64 root=" +
                k_root +
                " ro console=ttyS0\n"
                "  initrd /boot/initrd.img-6.1.0-9-amd64\n}\n");
  EXPECT_EQ(get("/boot/grub/menu.lst"),
            "default\t\t0\ntimeout\t\t2\n## ## Start Default Options ##\n# kopt=root=" + k_root +
                " ro console=tty0 console=ttyS0\n# groot=(hd0,1)\n# defoptions=console=ttyS0\n"
                "title\t\tDebian, kernel 6.1.0-50-amd64\nroot\t\t(hd0,1)\n"
                "kernel\t\t/boot/vmlinuz-6.1.0-50-amd64 root=" +
                k_root +
                " ro console=ttyS0\n"
                "initrd\t\t/boot/initrd.img-6.1.0-50-amd64\n");
  EXPECT_EQ(mode("/usr/sbin/vmconvert-update-grub"), 0755U);
  EXPECT_EQ(mode("/etc/kernel/postinst.d/zz-vmconvert-grub"), 0755U);
  EXPECT_TRUE(there("/etc/kernel/postrm.d/zz-vmconvert-grub"));
  // The boot code, the table as it was, and the core: its block list points behind itself.
  EXPECT_EQ(disk("vda", 440, 72), table);
  EXPECT_EQ(number(0x5c), 1U);
  EXPECT_EQ(number(512 + 0x1f4), 2U);
  const std::string core = disk("vda", 512, 31744);
  EXPECT_EQ(core.substr(0, 1), "\x52");  // diskboot.img: push %dx
  for (const char* module : {"normal", "linux", "ext2", "search_fs_uuid", "relocator", "serial"}) {
    EXPECT_TRUE(there(std::string("/boot/grub/i386-pc/") + module + ".mod")) << module;
  }
  EXPECT_TRUE(there("/boot/grub/i386-pc/moddep.lst"));
}

// What the guest's own script makes of the converted tree is what the plan showed.
class GuestsScript : public BootloaderFixer {
 protected:
  void run_script() {
    const std::string top = host_path("").string();
    const std::string line =
        "VMCONVERT_TOP='" + top + "' sh '" + top + "/usr/sbin/vmconvert-update-grub'";
    ASSERT_EQ(std::system(line.c_str()), 0);  // NOLINT(cert-env33-c): the tree is the test's own
  }
  void expect_same_menu() {
    const std::string planned = get("/boot/grub/grub.cfg");
    put("/boot/grub/grub.cfg", planned.substr(0, planned.find('\n') + 1));
    run_script();
    EXPECT_EQ(get("/boot/grub/grub.cfg"), planned);
  }
};

TEST_F(GuestsScript, WritesTheMenuOfThePlan) {
  put("/boot/grub/menu.lst", k_debian_menu);
  kernel("6.1.0-50-amd64");
  for (const char* version :
       {"6.1.0-9-amd64", "6.1.0-10-amd64", "2.6.18-398.el5", "2.6.18-398.2.1.el5",
        "5.14.0-1.x86_64", "2.6.26-2-xen-amd64", "2.6.18-8.el5xen", "6.1.0-50-amd64.bak",
        "0-rescue-0a1b", "1;reboot", "4.4.0-1.el9_3.x86_64", "4.19~rc1", "linux"}) {
    kernel(version);
  }
  put("/boot/vmlinuz-6.6.6", "without an initrd");
  put("/boot/config-2.6.26-2-xen-amd64", "CONFIG_XEN=y\n");
  fix("bootloader");
  const std::string menu = get("/boot/grub/grub.cfg");
  EXPECT_THAT(menu, HasSubstr("'Linux 2.6.26-2-xen-amd64'"));
  EXPECT_THAT(menu, Not(HasSubstr("el5xen")));
  EXPECT_THAT(menu, Not(HasSubstr("6.6.6")));
  EXPECT_THAT(menu, Not(HasSubstr("reboot")));
  EXPECT_LT(menu.find("398.2.1.el5'"), menu.find("398.el5'"));
  EXPECT_LT(menu.find("6.1.0-10-amd64'"), menu.find("6.1.0-9-amd64'"));
  expect_same_menu();
}

TEST_F(GuestsScript, TakesUpANewKernelAndForgetsAnOldOne) {
  put("/boot/grub/menu.lst", k_debian_menu);
  kernel("6.1.0-50-amd64");
  fix("bootloader");
  kernel("6.12.1-amd64");
  std::filesystem::remove(host_path("/boot/vmlinuz-6.1.0-50-amd64"));
  run_script();
  EXPECT_THAT(
      get("/boot/grub/grub.cfg"),
      EndsWith("\nmenuentry 'Linux 6.12.1-amd64' {\n  linux /boot/vmlinuz-6.12.1-amd64 root=" +
               k_root + " ro console=ttyS0\n  initrd /boot/initrd.img-6.12.1-amd64\n}\n"));
}

TEST_F(GuestsScript, KeepsTheMenuWhenNoKernelIsLeftOrAnotherToolWroteIt) {
  put("/boot/grub/menu.lst", k_debian_menu);
  kernel("6.1.0-50-amd64");
  fix("bootloader");
  const std::string menu = get("/boot/grub/grub.cfg");
  std::filesystem::remove(host_path("/boot/vmlinuz-6.1.0-50-amd64"));
  run_script();
  EXPECT_EQ(get("/boot/grub/grub.cfg"), menu);
  put("/boot/grub/grub.cfg", "# made by grub-mkconfig\n");
  kernel("6.12.1-amd64");
  run_script();
  EXPECT_EQ(get("/boot/grub/grub.cfg"), "# made by grub-mkconfig\n");
}

TEST_F(GuestsScript, BootsTheKernelOfTodayFirst) {
  facts["guest"]["menu"] = "/boot/grub/grub.conf";
  facts["boot_device"] = "vda1";
  facts["filesystems"][0] = {{"device", "vda1"},
                             {"type", "ext3"},
                             {"uuid", "b-1"},
                             {"label", ""},
                             {"mountpoint", "/boot"}};
  put("/boot/grub/grub.conf", k_centos5);
  for (const char* version : {"2.6.18-398.el5", "2.6.18-400.el5xen", "2.6.18-402.el5"}) {
    put(std::string("/boot/vmlinuz-") + version, "kernel");
    put(std::string("/boot/initrd-") + version + ".img", "initrd");
  }
  fix("bootloader");
  EXPECT_THAT(
      get("/boot/grub/grub.cfg"),
      EndsWith("search --no-floppy --fs-uuid --set=root b-1\n"
               "\nmenuentry 'Linux 2.6.18-398.el5' {\n"
               "  linux /vmlinuz-2.6.18-398.el5 ro root=" +
               k_root +
               " rhgb console=tty0 console=ttyS0\n  initrd /initrd-2.6.18-398.el5.img\n}\n"
               "\nmenuentry 'Linux 2.6.18-402.el5' {\n"
               "  linux /vmlinuz-2.6.18-402.el5 ro root=" +
               k_root +
               " rhgb console=tty0 console=ttyS0\n  initrd /initrd-2.6.18-402.el5.img\n}\n"));
  EXPECT_THAT(findings_now(), ElementsAre("menu-not-automatic warns"));
  expect_same_menu();
}

TEST_F(GuestsScript, QuotesWhatAMenuSays) {
  put("/boot/grub/menu.lst",
      "title x\nkernel /boot/vmlinuz-1 root=/dev/xvda2 a='$(touch${IFS}/tmp/x)' b=\";}\" c\\d\n"
      "initrd /boot/initrd.img-1\n");
  kernel("1");
  fix("bootloader");
  EXPECT_THAT(get("/boot/grub/grub.cfg"),
              HasSubstr(" 'a='\\''$(touch${IFS}/tmp/x)'\\''' 'b=\";}\"' 'c\\d' console=tty0"));
  expect_same_menu();
}

TEST_F(GuestsScript, MakesAMenuFromTheDomainsKernelLine) {
  facts["source"]["boot"] = "direct";
  facts["source"]["kernel"] = "/boot/of/the/host/vmlinuz-6.1.0-50-amd64";
  facts["source"]["cmdline"] = "ro console=hvc0";
  facts["guest"]["menu"] = "";
  kernel("6.1.0-50-amd64");
  folder("/lib/modules/6.1.0-50-amd64");
  fix("bootloader");
  EXPECT_THAT(
      get("/boot/grub/grub.cfg"),
      HasSubstr("  linux /boot/vmlinuz-6.1.0-50-amd64 root=" + k_root + " ro ro console=ttyS0\n"));
  expect_same_menu();
}

TEST_F(BootloaderFixer, KeepsTheMenuThatTheGuestsGrub2Makes) {
  kernel("6.1.0-50-amd64");
  put("/usr/sbin/grub2-mkconfig", "", 0755);
  put("/boot/grub2/grub.cfg",
      "menuentry x {\nlinux16 /boot/vmlinuz-6.1.0-50-amd64 root=/dev/xvda2 console=hvc0\n"
      "initrd16 /boot/initrd.img-6.1.0-50-amd64\n}\n");
  fix("bootloader");
  EXPECT_EQ(get("/boot/grub2/grub.cfg"),
            "menuentry x {\nlinux16 /boot/vmlinuz-6.1.0-50-amd64 root=" + k_root +
                " console=ttyS0\ninitrd16 /boot/initrd.img-6.1.0-50-amd64\n}\n");
  EXPECT_TRUE(there("/boot/grub2/i386-pc/linux16.mod"));
  EXPECT_FALSE(there("/usr/sbin/vmconvert-update-grub"));
  EXPECT_FALSE(there("/boot/grub/grub.cfg"));
}

TEST_F(BootloaderFixer, MakesAMenuWhereOnlyTheDistributionsGrubReadsIt) {
  kernel("6.1.0-50-amd64");
  put("/usr/sbin/grub2-mkconfig", "", 0755);
  put("/boot/grub2/grub.cfg", "insmod blscfg\nblscfg\n");
  facts["guest"]["menu"] = "/boot/grub2/grub.cfg";
  fix("bootloader");
  EXPECT_THAT(get("/boot/grub/grub.cfg"), HasSubstr("root=" + k_root + " ro console=tty0"));
}

class Gap : public BootloaderFixer {
 protected:
  void SetUp() override {
    BootloaderFixer::SetUp();
    put("/boot/grub/menu.lst", k_debian_menu);
    put("/usr/bin/dpkg", "");
    kernel("6.1.0-50-amd64");
    facts["disks"][0]["gap_bytes"] = 31744;  // 62 sectors: a first partition at sector 63
  }
};

TEST_F(Gap, OfAnOldDiskHoldsTheCoreForExtAndXfs) {
  for (const char* type : {"ext3", "ext4", "xfs"}) {
    facts["filesystems"][1]["type"] = type;
    run_only("bootloader");
    EXPECT_THAT(findings_now(), IsEmpty()) << type;
  }
}

TEST_F(Gap, OfAnOldDiskIsTooSmallForVolumesAndBtrfs) {
  facts["filesystems"][1]["type"] = "btrfs";
  fix("bootloader");
  EXPECT_THAT(findings_now(), ElementsAre("gap-too-small blocks"));
  EXPECT_THAT(messages_now(), Contains(HasSubstr("there are 31744")));
  EXPECT_THAT(edits_now(), IsEmpty());
  facts["filesystems"][1]["type"] = "ext3";
  facts["filesystems"][1]["device"] = "vg/root";
  facts["root_device"] = facts["boot_device"] = "vg/root";
  put("/boot/grub/menu.lst",
      "title x\nkernel /boot/vmlinuz-6.1.0-50-amd64 root=/dev/vg/root\n"
      "initrd /boot/initrd.img-6.1.0-50-amd64\n");
  fix("bootloader");
  EXPECT_THAT(findings_now(), Contains("gap-too-small blocks"));
  facts["disks"][0]["gap_bytes"] = 1048064;
  fix("bootloader");
  EXPECT_THAT(findings_now(), IsEmpty());
  EXPECT_TRUE(there("/boot/grub/i386-pc/lvm.mod"));
}

TEST_F(Gap, OfAGptIsItsBiosBootPartition) {
  facts["disks"][0]["table"] = "gpt";
  facts["disks"][0]["gap_offset"] = 1048576;
  facts["disks"][0]["gap_bytes"] = 1048576 / 2;
  fix("bootloader");
  EXPECT_THAT(findings_now(), IsEmpty());
  EXPECT_EQ(number(0x5c), 2048U);
  EXPECT_EQ(number(1048576 + 0x1f4), 2049U);
  EXPECT_EQ(disk("vda", 512, 512), std::string(512, '\0'));
}

TEST_F(Gap, GetsACoreThatReadsAnArray) {
  facts["filesystems"][1]["device"] = "md127";
  facts["filesystems"][1]["array"] = {{"uuid", "01234567-89ab-cdef-0011-223344556677"},
                                      {"level", "raid1"},
                                      {"metadata", "1.0"},
                                      {"names", {"md0"}}};
  facts["root_device"] = facts["boot_device"] = "md127";
  facts["disks"][0]["gap_bytes"] = 1048064;
  put("/boot/grub/menu.lst",
      "title x\nkernel /boot/vmlinuz-6.1.0-50-amd64 root=/dev/md0\n"
      "initrd /boot/initrd.img-6.1.0-50-amd64\n");
  fix("bootloader");
  EXPECT_THAT(findings_now(), IsEmpty());
  EXPECT_TRUE(there("/boot/grub/i386-pc/mdraid1x.mod"));
  const auto core = vmconvert::guest::read_grub2_core(disk("vda", 512, 120000));
  ASSERT_TRUE(core);
  EXPECT_EQ(core->prefix, "(mduuid/0123456789abcdef0011223344556677)/boot/grub");
}

TEST_F(Gap, IsNotNeededWhereTheFilesystemIsUnknown) {
  facts["filesystems"][1]["type"] = "zfs_member";
  fix("bootloader");
  EXPECT_THAT(findings_now(), ElementsAre("boot-device-unsupported blocks"));
  EXPECT_THAT(edits_now(), IsEmpty());
}

TEST_F(Gap, StaysEmptyWhereTheHostHasNoGrub) {
  host_tool = [](const vmconvert::Command&) {
    return vmconvert::CommandResult{.exit_code = 1, .err = "no such file: kernel.img"};
  };
  fix("bootloader");
  EXPECT_THAT(findings_now(), ElementsAre("no-grub-on-host blocks"));
  EXPECT_THAT(messages_now(), Contains(HasSubstr("kernel.img")));
  EXPECT_THAT(edits_now(), IsEmpty());
}

TEST_F(Gap, StaysEmptyForAGuestThatGoesToXen) {
  facts["to"] = "xen";
  facts["renames"] = {{{"from", "sda2"}, {"to", "xvda2"}}};
  facts["filesystems"][1]["device"] = facts["root_device"] = facts["boot_device"] = "xvda2";
  put("/boot/grub/menu.lst",
      "title x\nkernel /boot/vmlinuz-1 root=/dev/sda2 console=hvc0 clocksource=xen\ninitrd /i\n");
  fix("bootloader");
  EXPECT_EQ(get("/boot/grub/menu.lst"), "title x\nkernel /boot/vmlinuz-1 root=" + k_root +
                                            " console=hvc0 clocksource=xen\ninitrd /i\n");
  EXPECT_THAT(edits_now(), ElementsAre("/boot/grub/menu.lst"));
}

TEST_F(Gap, LeavesAnUnknownLoaderAlone) {
  loader("other");
  fix("bootloader");
  EXPECT_THAT(findings_now(), ElementsAre("loader-unknown warns"));
  EXPECT_THAT(edits_now(), ElementsAre("/boot/grub/menu.lst"));
}

}  // namespace
