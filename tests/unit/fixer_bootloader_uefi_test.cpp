// Guests that boot by UEFI: what the new firmware starts, and menus on the EFI system partition.
#include "boot_files.hpp"
#include "fixer_bootloader_support.hpp"

namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using vmconvert::boot_files::make_efi_core;

class UefiFixer : public BootloaderFixer {
 protected:
  void SetUp() override {
    facts["hardware"] = {{"disk_bus", "virtio"}, {"nic_model", "virtio"}, {"uefi", true}};
    facts["disks"][0]["table"] = "gpt";
    facts["disks"][0]["gap_bytes"] = 0;
    facts["filesystems"][0] = {{"device", "vda1"},
                               {"type", "vfat"},
                               {"uuid", "EF00-0001"},
                               {"label", ""},
                               {"mountpoint", k_esp}};
    facts["guest"]["menu"] = "/boot/grub/grub.cfg";
    put_disk("vda", std::string(2U << 20U, '\0'));
    put("/boot/grub/grub.cfg",
        "menuentry 'Debian' {\n  linux /boot/vmlinuz-6.1.0-50-amd64 root=/dev/xvda2 ro\n"
        "  initrd /boot/initrd.img-6.1.0-50-amd64\n}\n");
    put(debian + "/grubx64.efi", grub);
    put(debian + "/shimx64.efi", "MZ shim");
    put(debian + "/mmx64.efi", "MZ keys");
    put(debian + "/grub.cfg", "search.fs_uuid X root\nconfigfile $prefix/grub.cfg\n");
  }
  void drop(const std::string& path) { std::filesystem::remove_all(host_path(path)); }
  bool disk_is_untouched() {
    return disk("vda", 0, 4096).find_first_not_of('\0') == std::string::npos;
  }

  static constexpr const char* k_esp = "/boot/efi";
  const std::string debian = "/boot/efi/EFI/debian";
  const std::string boot = "/boot/efi/EFI/BOOT";
  const std::string grub = make_efi_core("/EFI/debian");
};

TEST_F(UefiFixer, GivesTheFirmwareTheGuestsOwnLoader) {
  fix("bootloader");
  EXPECT_THAT(findings_now(), IsEmpty());
  EXPECT_EQ(get(boot + "/BOOTX64.EFI"), "MZ shim");
  EXPECT_EQ(get(boot + "/grubx64.efi"), grub);
  EXPECT_EQ(get(boot + "/mmx64.efi"), "MZ keys");
  EXPECT_EQ(get(boot + "/grub.cfg"), get(debian + "/grub.cfg"));
  EXPECT_THAT(get("/boot/grub/grub.cfg"),
              HasSubstr("root=" + k_root + " ro console=tty0 console=ttyS0"));
  EXPECT_TRUE(disk_is_untouched()) << "no loader for a BIOS";
}

TEST_F(UefiFixer, StartsGrubItselfWhereThereIsNoShim) {
  drop(debian + "/shimx64.efi");
  fix("bootloader");
  EXPECT_EQ(get(boot + "/BOOTX64.EFI"), grub);
  EXPECT_FALSE(there(boot + "/mmx64.efi"));
}

TEST_F(UefiFixer, LeavesAFallbackLoaderThatIsThere) {
  put("/boot/efi/efi/boot/bootx64.efi", "MZ theirs");
  put("/boot/efi/efi/debian/grubx64.efi", grub);
  drop("/boot/efi/EFI");
  fix("bootloader");
  EXPECT_THAT(findings_now(), IsEmpty());
  EXPECT_EQ(get("/boot/efi/efi/boot/bootx64.efi"), "MZ theirs");
  EXPECT_FALSE(there(boot));
}

TEST_F(UefiFixer, TakesTheDistributionsOwnOfSeveralAndGuessesNone) {
  put("/boot/efi/EFI/other/grubx64.efi", "MZ other");
  fix("bootloader");
  EXPECT_EQ(get(boot + "/BOOTX64.EFI"), "MZ shim");
}

TEST_F(UefiFixer, SaysWhenItIsNotClearWhichLoaderIsMeant) {
  facts["guest"]["distribution"] = "fedora";
  put("/boot/efi/EFI/other/grubx64.efi", "MZ other");
  fix("bootloader");
  EXPECT_THAT(findings_now(), Contains("efi-loader-not-known warns"));
  EXPECT_FALSE(there(boot));
}

TEST_F(UefiFixer, SaysWhenNoEfiPartitionIsMounted) {
  facts["filesystems"][0]["mountpoint"] = "";
  fix("bootloader");
  EXPECT_THAT(findings_now(), Contains("efi-partition-not-found warns"));
  EXPECT_TRUE(disk_is_untouched());
}

TEST_F(UefiFixer, CorrectsAWholeMenuOnTheEfiPartitionAndDoesNotCopyIt) {
  facts["guest"]["distribution"] = "centos";
  drop(debian);
  put("/boot/efi/EFI/centos/grubx64.efi", make_efi_core("/EFI/centos"));
  put("/boot/efi/EFI/centos/grub.cfg",
      "menuentry 'CentOS' {\n  linuxefi /vmlinuz-3.10 root=/dev/xvda2 ro console=hvc0\n"
      "  initrdefi /initramfs-3.10.img\n}\n");
  fix("bootloader");
  EXPECT_THAT(get("/boot/efi/EFI/centos/grub.cfg"),
              HasSubstr("linuxefi /vmlinuz-3.10 root=" + k_root + " ro console=ttyS0"));
  EXPECT_TRUE(there(boot + "/BOOTX64.EFI"));
  EXPECT_FALSE(there(boot + "/grub.cfg")) << "it would soon be an old one";
}

}  // namespace
