#include "guest/inspect.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/temp_dir.hpp"
#include "guest/device_names.hpp"
#include "guest/folder_root.hpp"
#include "guest/fstab.hpp"

namespace vmconvert::guest {
namespace {

namespace fs = std::filesystem;

std::string elf(unsigned char machine, const std::string& rest = {}) {
  std::string bytes = std::string(
                          "\x7f"
                          "ELF\x02\x01\x01") +
                      std::string(13, '\0');
  bytes[18] = static_cast<char>(machine);
  return bytes + std::string(64, '\0') + rest;
}

struct Tree {
  TempDir temp{fs::temp_directory_path(), "vmconvert-test"};
  FolderRoot root{temp.path()};
  model::GuestFacts facts;

  explicit Tree(std::string loader = "none") { facts.loader = std::move(loader); }
  void read() { read_tree_facts(root, facts); }
};

TEST(Inspect, reads_a_debian_guest) {
  Tree tree;
  tree.root.write("/usr/lib/os-release",
                  "NAME=\"Debian\"\nPRETTY_NAME=\"Debian GNU/Linux 12\"\nID=debian\n");
  tree.root.symlink("/etc/os-release", "../usr/lib/os-release");
  tree.root.write("/lib/systemd/systemd", elf(62), 0755);
  tree.root.symlink("/sbin/init", "/lib/systemd/systemd");
  tree.root.write("/etc/hostname", "\n# a comment\nweb01\n");
  tree.root.write("/etc/wireguard/wg0.conf", "");
  tree.root.write("/boot/grub/menu.lst", "title x\nkernel /vmlinuz\n");
  tree.root.write("/boot/grub/grub.cfg", "# left behind by a package\n");
  tree.read();
  EXPECT_EQ(tree.facts.os_name, "Debian GNU/Linux 12");
  EXPECT_EQ(tree.facts.distribution, "debian");
  EXPECT_EQ(tree.facts.arch, "x86_64");
  EXPECT_EQ(tree.facts.init, "systemd");
  EXPECT_EQ(tree.facts.hostname, "web01");
  EXPECT_EQ(tree.facts.menu, "/boot/grub/menu.lst");
  EXPECT_EQ(tree.facts.identities, std::vector<std::string>{"/etc/wireguard/wg0.conf"});
}

TEST(Inspect, reads_an_old_red_hat_guest) {
  Tree tree("grub-legacy");
  tree.root.write("/etc/redhat-release", "CentOS release 5.11 (Final)\n");
  tree.root.write("/sbin/init", elf(3), 0755);
  tree.root.write("/etc/inittab", "id:3:initdefault:\n");
  tree.root.write("/etc/sysconfig/network", "NETWORKING=yes\nHOSTNAME=old.example\n");
  tree.root.write("/boot/grub/grub.conf", "");
  tree.root.symlink("/boot/grub/menu.lst", "./grub.conf");
  tree.read();
  EXPECT_EQ(tree.facts.os_name, "CentOS release 5.11 (Final)");
  EXPECT_EQ(tree.facts.distribution, "centos");
  EXPECT_EQ(tree.facts.arch, "i386");
  EXPECT_EQ(tree.facts.init, "sysvinit");
  EXPECT_EQ(tree.facts.hostname, "old.example");
  EXPECT_EQ(tree.facts.menu, "/boot/grub/menu.lst");
}

TEST(Inspect, knows_upstart_by_its_own_words) {
  Tree tree;
  tree.root.write("/sbin/init", elf(62, "upstart"), 0755);
  tree.read();
  EXPECT_EQ(tree.facts.init, "upstart");
}

TEST(Inspect, survives_an_empty_and_an_odd_guest) {
  Tree tree;
  tree.read();
  EXPECT_EQ(tree.facts.arch, "");
  EXPECT_EQ(tree.facts.init, "");
  EXPECT_TRUE(tree.facts.kernels.empty());
  tree.root.symlink("/sbin/init", "init");  // to itself
  tree.root.write("/etc/os-release/file", "a folder where a file should be");
  tree.root.write("/etc/hostname", "bad\x1b[31mname\n");
  tree.read();
  EXPECT_EQ(tree.facts.hostname, "bad\\x1b[31mname");
}

TEST(Inspect, lists_kernels_newest_first) {
  Tree tree;
  for (const char* path :
       {"/boot/vmlinuz-4.9.0-12-amd64", "/boot/initrd.img-4.9.0-12-amd64",
        "/boot/vmlinuz-4.19.0-3-amd64", "/boot/initramfs-4.19.0-3-amd64.img", "/boot/vmlinuz-xen",
        "/boot/vmlinuz-0-rescue-abc", "/lib/modules/4.9.0-12-amd64/modules.dep",
        "/lib/modules/5.2.0/modules.dep", "/lib/modules/README"}) {
    tree.root.write(path, "");
  }
  const std::vector<model::Kernel> kernels = read_kernels(tree.root);
  ASSERT_EQ(kernels.size(), 3U);
  EXPECT_EQ(kernels[0].version, "5.2.0");
  EXPECT_EQ(kernels[0].image, "");
  EXPECT_TRUE(kernels[0].modules);
  EXPECT_EQ(kernels[1].initrd, "/boot/initramfs-4.19.0-3-amd64.img");
  EXPECT_FALSE(kernels[1].modules);
  EXPECT_EQ(kernels[2].image, "/boot/vmlinuz-4.9.0-12-amd64");
  EXPECT_EQ(kernels[2].initrd, "/boot/initrd.img-4.9.0-12-amd64");
}

// kernel-install(8), layout "bls": a folder of the machine's, one in it for each version.
TEST(Inspect, finds_kernels_in_the_folders_of_systemd) {
  Tree tree;
  for (const char* path : {"/boot/efi/0123456789abcdef0123456789abcdef/6.9.1/linux",
                           "/boot/efi/0123456789abcdef0123456789abcdef/6.9.1/initrd.img-6.9.1",
                           "/boot/efi/0123456789abcdef0123456789abcdef/6.8.0/linux",
                           "/boot/efi/fedora/6.7.0/initrd", "/boot/efi/EFI/BOOT/BOOTX64.EFI",
                           "/lib/modules/6.9.1/modules.dep", "/lib/modules/6.7.0/modules.dep"}) {
    tree.root.write(path, "");
  }
  const std::vector<model::Kernel> kernels = read_kernels(tree.root);
  ASSERT_EQ(kernels.size(), 2U) << "what has no modules is another system's";
  const std::string folder = "/boot/efi/0123456789abcdef0123456789abcdef/6.9.1";
  EXPECT_EQ(kernels[0].image, folder + "/linux");
  EXPECT_EQ(kernels[0].initrd, folder + "/initrd.img-6.9.1");
  EXPECT_EQ(kernels[1].image, "") << "no kernel there";
}

TEST(Versions, are_compared_as_people_do) {
  EXPECT_LT(compare_versions("4.9.0", "4.19.0"), 0);
  EXPECT_GT(compare_versions("2.6.18-400.el5", "2.6.18-92.el5"), 0);
  EXPECT_EQ(compare_versions("6.01", "6.1"), 0);
  EXPECT_LT(compare_versions("6.1~rc1", "6.1"), 0);
  EXPECT_GT(compare_versions("6.1-1", "6.1"), 0);
  EXPECT_LT(compare_versions("99999999999999999999998", "99999999999999999999999"), 0);
}

TEST(Fstab, is_read_with_its_escapes) {
  const auto entries = read_fstab(
      "# /dev/xvda9 / ext3\n/dev/xvda2 / ext3 defaults,errors=remount-ro 0 1\n"
      "UUID=\"ab\" /my\\040disk btrfs subvol=@home,noauto\nproc /proc proc\nonly two\n"
      "/srv /mnt none bind\nhost:/x /y nfs\n/dev/xvda1 none swap sw\n");
  ASSERT_EQ(entries.size(), 6U);
  EXPECT_EQ(entries[0].line, 2U);
  EXPECT_TRUE(entries[0].has_option("errors=remount-ro"));
  EXPECT_EQ(entries[1].device, "UUID=ab");
  EXPECT_EQ(entries[1].mountpoint, "/my disk");
  EXPECT_EQ(entries[1].option_value("subvol"), "@home");
  EXPECT_FALSE(entries[2].is_local_device());
  EXPECT_FALSE(entries[3].is_local_device());
  EXPECT_FALSE(entries[4].is_local_device());
  EXPECT_TRUE(entries[5].is_swap() && entries[5].is_local_device());
}

TEST(DeviceNames, resolve_every_way_of_naming) {
  const std::vector<model::Filesystem> filesystems = {{"vda2", "ext3", "AB-cd", "my root", {}, "/"},
                                                      {"vg-a/root", "xfs", "ef", "", {}, ""},
                                                      {"vda3", "swap", "", "", {}, ""}};
  const std::vector<model::DeviceRename> renames = {{"xvda2", "vda2"}};
  const DeviceNames names{filesystems, renames, nullptr};
  for (const char* spec : {"/dev/xvda2", "/dev/vda2", "UUID=ab-CD", "LABEL=my root",
                           "/dev/disk/by-uuid/ab-cd", "/dev/disk/by-label/my\\x20root"}) {
    EXPECT_EQ(names.find(spec), &filesystems[0]) << spec;
  }
  EXPECT_EQ(names.find("/dev/mapper/vg--a-root"), &filesystems[1]);
  EXPECT_EQ(names.find("/dev/vg-a/root"), &filesystems[1]);
  for (const char* spec : {"UUID=", "LABEL=", "LABEL=MY ROOT", "/dev/", "", "/dev/xvda3",
                           "PARTUUID=00-01", "/dev/mapper/-", "/dev/mapper/a-b-c"}) {
    EXPECT_EQ(names.find(spec), nullptr) << spec;
  }
  EXPECT_EQ(volume_of_mapper_name("vg--a-my--lv"), "vg-a/my-lv");
}

TEST(PartitionUuid, is_read_from_both_kinds_of_table) {
  const TempDir temp(fs::temp_directory_path(), "vmconvert-test");
  FolderRoot root(temp.path(), {{"vda", temp.path() / "disk"}});
  std::string disk(64 * 512, '\0');
  disk.replace(440, 4, "\x78\x56\x34\x12");
  disk.replace(510, 2, "\x55\xaa");
  const auto write = [&] { root.write("/disk", disk); };
  write();
  EXPECT_EQ(partition_uuid(root, "vda", 2), "12345678-02");
  disk[450] = '\xee';
  disk.replace(512, 8, "EFI PART");
  disk[512 + 72] = 2;
  disk[512 + 80] = 4;
  disk.replace(512 + 84, 1, "\x80");
  for (int i = 0; i < 16; ++i) {
    disk[2 * 512 + 128 + 16 + static_cast<std::size_t>(i)] = static_cast<char>(i + 1);
  }
  write();
  EXPECT_EQ(partition_uuid(root, "vda", 2), "04030201-0605-0807-090a-0b0c0d0e0f10");
  EXPECT_EQ(partition_uuid(root, "vda", 9), "");
}

}  // namespace
}  // namespace vmconvert::guest
