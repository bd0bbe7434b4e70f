#include "fixer_testing.hpp"

namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// The header that a boot loader reads, nothing else: "HdrS" and where the version stands.
std::string bzimage(const std::string& version) {
  std::string image(0x400, '\0');
  image.replace(0x202, 4, "HdrS");
  image[0x20e] = 0x20;  // 0x220, less 0x200
  image.replace(0x220, version.size() + 8, version + " (build)");
  return image;
}

class HostKernelFixer : public FixerTest {
 protected:
  void boot_directly(const std::string& version) {
    put("/host/vmlinuz", bzimage(version));
    put("/host/initrd", "initrd of the host");
    facts["source"]["boot"] = "direct";
    facts["source"]["kernel"] = host_path("/host/vmlinuz").string();
    facts["source"]["initrd"] = host_path("/host/initrd").string();
    facts["source"]["cmdline"] = "root=/dev/xvda2 ro";
    options.host_files.push_back(host_path("/host"));
  }
};

TEST_F(HostKernelFixer, LeavesAGuestThatHasItsKernel) {
  put("/boot/vmlinuz-6.1.0-50-amd64", "kernel");
  fix("host-kernel");
  EXPECT_THAT(edits_now(), IsEmpty());
  EXPECT_THAT(findings_now(), IsEmpty());
}

TEST_F(HostKernelFixer, RefusesAGuestWithoutAnyKernel) {
  fix("host-kernel");
  EXPECT_THAT(findings_now(), ElementsAre("no-kernel blocks"));
}

TEST_F(HostKernelFixer, RefusesACentos5GuestThatHasOnlyXensKernel) {
  put("/boot/vmlinuz-2.6.18-398.el5xen", "kernel");
  fix("host-kernel");
  EXPECT_THAT(findings_now(), ElementsAre("xen-only-kernel blocks"));
  put("/boot/vmlinuz-2.6.18-398.el5", "kernel");
  fix("host-kernel");
  EXPECT_THAT(findings_now(), IsEmpty());
}

TEST_F(HostKernelFixer, BelievesTheConfigurationMoreThanTheName) {
  put("/boot/vmlinuz-2.6.32-5-xen-amd64", "kernel");
  put("/boot/config-2.6.32-5-xen-amd64", "CONFIG_PARAVIRT=y\nCONFIG_XEN=y\n");
  fix("host-kernel");
  EXPECT_THAT(findings_now(), IsEmpty());
  put("/boot/config-2.6.32-5-xen-amd64", "CONFIG_X86_64_XEN=y\n");
  fix("host-kernel");
  EXPECT_THAT(findings_now(), ElementsAre("xen-only-kernel blocks"));
}

TEST_F(HostKernelFixer, BringsTheHostsKernelIn) {
  boot_directly("5.10.0-9-amd64");
  folder("/lib/modules/5.10.0-9-amd64");
  put("/usr/sbin/update-initramfs", "#!/bin/sh\n", 0755);
  fix("host-kernel");
  EXPECT_THAT(findings_now(), IsEmpty());
  EXPECT_EQ(get("/boot/vmlinuz-5.10.0-9-amd64"), bzimage("5.10.0-9-amd64"));
  EXPECT_EQ(get("/boot/initrd.img-5.10.0-9-amd64"), "initrd of the host");
  EXPECT_EQ(mode("/boot/initrd.img-5.10.0-9-amd64"), 0600U);
}

TEST_F(HostKernelFixer, BringsTheConfigurationWithTheKernel) {
  boot_directly("5.10.0-9-amd64");
  folder("/lib/modules/5.10.0-9-amd64");
  put("/host/config-5.10.0-9-amd64", "CONFIG_RD_XZ=y\n");
  fix("host-kernel");
  EXPECT_EQ(get("/boot/config-5.10.0-9-amd64"), "CONFIG_RD_XZ=y\n");
}

TEST_F(HostKernelFixer, SaysWhatTheInitrdShowsWhereThereIsNoConfiguration) {
  boot_directly("5.10.0-9-amd64");
  folder("/lib/modules/5.10.0-9-amd64");
  put("/host/initrd", "\x28\xb5\x2f\xfd and so on");
  fix("host-kernel");
  EXPECT_THAT(get("/boot/config-5.10.0-9-amd64"), HasSubstr("CONFIG_RD_ZSTD=y\n"));
  EXPECT_THAT(get("/boot/config-5.10.0-9-amd64"), HasSubstr("Written by vmconvert"));
}

TEST_F(HostKernelFixer, NamesTheInitrdAsTheGuestsToolDoes) {
  boot_directly("3.10.0-1160.el7.x86_64");
  folder("/lib/modules/3.10.0-1160.el7.x86_64");
  put("/usr/bin/dracut", "#!/bin/bash\n", 0755);
  fix("host-kernel");
  EXPECT_TRUE(there("/boot/initramfs-3.10.0-1160.el7.x86_64.img"));
}

TEST_F(HostKernelFixer, SaysThatTheModulesAreMissing) {
  boot_directly("5.10.0-9-amd64");
  fix("host-kernel");
  EXPECT_THAT(findings_now(), ElementsAre("host-kernel-no-modules blocks"));
  EXPECT_THAT(messages_now(), Contains(HasSubstr("/lib/modules/5.10.0-9-amd64")));
}

TEST_F(HostKernelFixer, PrefersTheGuestsOwnKernel) {
  boot_directly("5.10.0-9-amd64");
  put("/boot/vmlinuz-6.1.0-50-amd64", "kernel");
  put("/boot/initrd.img-6.1.0-50-amd64", "initrd");
  folder("/lib/modules/6.1.0-50-amd64");
  fix("host-kernel");
  EXPECT_THAT(edits_now(), IsEmpty());
  EXPECT_THAT(findings_now(), IsEmpty());
}

TEST_F(HostKernelFixer, TakesNoKernelOfTheGuestThatHasNoModules) {
  boot_directly("5.10.0-9-amd64");
  folder("/lib/modules/5.10.0-9-amd64");
  put("/boot/vmlinuz-6.1.0-50-amd64", "kernel");
  put("/boot/initrd.img-6.1.0-50-amd64", "initrd");
  fix("host-kernel");
  EXPECT_THAT(edits_now(), Contains("/boot/vmlinuz-5.10.0-9-amd64"));
}

TEST_F(HostKernelFixer, RefusesWhatOnlyXenCanStart) {
  boot_directly("2.6.18-8.el5xen");
  fix("host-kernel");
  EXPECT_THAT(findings_now(), ElementsAre("xen-only-kernel blocks"));
  put("/host/vmlinuz",
      "\x7f"
      "ELF and so on");
  fix("host-kernel");
  EXPECT_THAT(findings_now(), ElementsAre("xen-only-kernel blocks"));
  EXPECT_THAT(messages_now(), Contains(HasSubstr("no bzImage")));
}

TEST_F(HostKernelFixer, TakesNoVersionThatIsAPath) {
  boot_directly("../../etc/cron.d/x");
  fix("host-kernel");
  EXPECT_THAT(edits_now(), IsEmpty());
  EXPECT_THAT(findings_now(), ElementsAre("xen-only-kernel blocks"));
}

TEST_F(HostKernelFixer, SaysWhichFileOfTheHostIsMissing) {
  boot_directly("5.10.0-9-amd64");
  facts["source"]["initrd"] = host_path("/host/gone").string();
  fix("host-kernel");
  EXPECT_THAT(findings_now(), ElementsAre("host-kernel-unreadable blocks"));
  EXPECT_THAT(messages_now(), Contains(HasSubstr("/host/gone")));
  EXPECT_THAT(edits_now(), IsEmpty());
}

TEST_F(HostKernelFixer, LeavesAGuestThatGoesToXen) {
  boot_directly("5.10.0-9-amd64");
  facts["to"] = "xen";
  fix("host-kernel");
  EXPECT_THAT(edits_now(), IsEmpty());
  EXPECT_THAT(findings_now(), IsEmpty());
}

}  // namespace
