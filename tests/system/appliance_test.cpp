// The appliance itself: what every GuestRoot promises, and one whole run over a small guest.
// Two launches by emulation; about a minute.
#include "guest/appliance.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/fd.hpp"
#include "base/subprocess.hpp"
#include "base/temp_dir.hpp"
#include "contract/guest_root_contract.hpp"
#include "guest/appliance_handle.hpp"
#include "guest/appliance_root.hpp"

namespace vmconvert::guest {
namespace {

namespace fs = std::filesystem;

constexpr const char* k_cache = "/var/tmp";
constexpr std::uintmax_t k_disk_size = 64U << 20U;

fs::path make_disk(const TempDir& temp) {
  fs::path path = temp.path() / "disk.raw";
  std::ofstream(path).close();
  fs::resize_file(path, k_disk_size);
  return path;
}

// One machine for all tests of the contract; each finds a filesystem that was made anew.
class Machine {
 public:
  static Machine& the() {
    static Machine machine;
    return machine;
  }

  GuestRoot& fresh_root() {
    guestfs_h* g = m_handle.get();
    m_handle.check(guestfs_umount_all(g), "unmounting");
    m_handle.check(guestfs_mkfs(g, "ext4", "/dev/sda"), "making a filesystem");
    m_handle.check(guestfs_mount(g, "/dev/sda", "/"), "mounting");
    const ContractTree tree;
    for (const auto& [path, content] : tree.files) {
      m_root.write(path, content);
    }
    for (const auto& [path, target] : tree.links) {
      m_root.symlink(path, target);
    }
    return m_root;
  }
  guestfs_h* handle() { return m_handle.get(); }

 private:
  Machine() {
    guestfs_h* g = m_handle.get();
    const fs::path disk = make_disk(m_temp);
    m_handle.check(guestfs_set_backend(g, "direct"), "choosing the backend");
    m_handle.check(guestfs_set_backend_setting(g, "force_tcg", "1"), "choosing emulation");
    m_handle.check(guestfs_set_cachedir(g, k_cache), "choosing the cache");
    m_handle.check(
        guestfs_add_drive_opts(g, disk.c_str(), GUESTFS_ADD_DRIVE_OPTS_FORMAT, "raw", -1),
        "adding the disk");
    m_handle.check(guestfs_launch(g), "starting the appliance");
  }

  TempDir m_temp{fs::temp_directory_path(), "vmconvert-test"};
  ApplianceHandle m_handle{"vmconvert-test"};
  ApplianceRoot m_root{m_handle, {"vda"}};
};

struct ApplianceFixture {
  GuestRoot& root() { return m_root; }
  GuestRoot& m_root = Machine::the().fresh_root();
};

INSTANTIATE_TYPED_TEST_SUITE_P(Appliance, GuestRootContract, ApplianceFixture);

TEST(ApplianceRoot, overwrites_in_place_whatever_the_size) {
  GuestRoot& root = Machine::the().fresh_root();
  root.write("/etc/secret", std::string(5U << 20U, 'a'), 0640);
  const std::string longer = std::string(3U << 20U, 'b') + "end";
  root.write("/etc/secret", longer, 0777);
  EXPECT_EQ(root.stat("/etc/secret").mode, 0640U);
  EXPECT_EQ(root.read("/etc/secret"), longer);
}

// chattr +i and +a, as people set them on what their tools keep overwriting.
TEST(ApplianceRoot, changes_what_is_locked_and_leaves_it_locked) {
  GuestRoot& root = Machine::the().fresh_root();
  guestfs_h* g = Machine::the().handle();
  const auto attributes = [&](const char* path) {
    char* text = guestfs_get_e2attrs(g, path);
    const std::string all = text == nullptr ? "?" : text;
    ::free(text);
    return all;
  };
  for (const char* lock : {"i", "a"}) {
    const std::string path = std::string("/etc/locked-") + lock;
    root.write(path, "before", 0640);
    ASSERT_EQ(guestfs_set_e2attrs(g, path.c_str(), lock, -1), 0);
    root.write(path, "after");
    EXPECT_EQ(root.read(path), "after");
    EXPECT_EQ(root.stat(path).mode, 0640U);
    EXPECT_NE(attributes(path.c_str()).find(*lock), std::string::npos) << attributes(path.c_str());
    root.remove(path);
    EXPECT_EQ(root.lstat(path).kind, FileKind::missing);
  }
  root.write("/locked/old", "x");
  ASSERT_EQ(guestfs_set_e2attrs(g, "/locked", "i", -1), 0);
  root.write("/locked/new", "y");
  root.write("/locked/more/new", "z");
  root.symlink("/locked/link", "new");
  root.remove("/locked/old");
  EXPECT_EQ(root.list("/locked"), (std::vector<std::string>{"link", "more", "new"}));
  EXPECT_NE(attributes("/locked").find('i'), std::string::npos);
  EXPECT_EQ(root.read("/locked/link"), "y");
}

// As dracut does with an initramfs. ldconfig is the one program here that needs no library.
TEST(ApplianceRoot, labels_what_a_program_of_the_guest_writes_anew) {
  GuestRoot& root = Machine::the().fresh_root();
  guestfs_h* g = Machine::the().handle();
  const auto label_of = [&](const char* path) {
    std::size_t size = 0;
    char* text = guestfs_lgetxattr(g, path, "security.selinux", &size);
    const std::string label = text == nullptr ? "none" : std::string(text, size);
    ::free(text);
    return label;
  };
  root.write("/sbin/ldconfig", read_text_file("/sbin/ldconfig", 16U << 20U), 0755);
  root.write("/boot/old", "x");
  const std::string label = "system_u:object_r:boot_t:s0";
  ASSERT_EQ(guestfs_lsetxattr(g, "security.selinux", label.c_str(), static_cast<int>(label.size()),
                              "/boot"),
            0);
  const ProgramResult made = root.run({"/sbin/ldconfig", "-C", "/boot/made.img"});
  ASSERT_EQ(made.exit_code, 0) << made.output;
  EXPECT_EQ(label_of("/boot/made.img"), label);
  EXPECT_EQ(label_of("/boot/old"), "none");  // not named
  EXPECT_EQ(label_of("/sbin/ldconfig"), "none");
}

// A small tree that passes for a system, on a disk without a table.
fs::path make_guest(const TempDir& temp) {
  const fs::path tree = temp.path() / "tree";
  const auto put = [&](const char* path, const std::string& content) {
    const fs::path file = tree.string() + path;
    fs::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << content;
  };
  put("/etc/fstab", "/dev/xvda / ext4 defaults 0 1\n/dev/xvdc /data ext3 defaults 0 2\n");
  put("/etc/os-release", "PRETTY_NAME=\"Small Linux\"\nID=small\n");
  put("/etc/hostname", "small01\n");
  put("/usr/big", std::string(8U << 20U, 'x'));
  put("/boot/vmlinuz-5.1", "kernel");
  const fs::path disk = make_disk(temp);
  RealCommandRunner commands;
  run_or_throw(commands,
               {.argv = {"mke2fs", "-q", "-t", "ext4", "-d", tree.string(), disk.string()}});
  return disk;
}

std::uint64_t allocated_bytes(const fs::path& overlay) {
  RealCommandRunner commands;
  const std::string map = run_or_throw(
      commands, {.argv = {"qemu-img", "map", "-f", "qcow2", "--output=json", overlay.string()}});
  std::uint64_t zero = 0;
  std::istringstream records(map);
  for (std::string line; std::getline(records, line);) {
    const auto length = line.find("\"length\": ");
    if (line.find("\"zero\": true") != std::string::npos && length != std::string::npos) {
      zero += std::stoull(line.substr(length + 10));
    }
  }
  return k_disk_size - zero;
}

TEST(Appliance, looks_changes_trims_and_leaves_the_source_alone) {
  // A user's settings must not reach us: this one would make every launch fail.
  ASSERT_EQ(::setenv("LIBGUESTFS_BACKEND", "libvirt:test:///default", 1), 0);
  const TempDir temp(fs::temp_directory_path(), "vmconvert-test");
  const fs::path disk = make_guest(temp);
  const std::string before = read_text_file(disk, k_disk_size);
  const fs::path overlay = temp.path() / "overlay.qcow2";
  RealCommandRunner commands;
  run_or_throw(commands, {.argv = {"qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b",
                                   disk.string(), overlay.string()}});
  ApplianceOptions options;
  options.disks = {{"vda", overlay}};
  options.scratch = temp.path() / "scratch";
  options.cache = k_cache;
  guest::Appliance appliance(options);
  const model::GuestFacts facts = appliance.inspect({{"xvda", "vda"}}, {});
  EXPECT_EQ(facts.os_name, "Small Linux");
  EXPECT_EQ(facts.hostname, "small01");
  EXPECT_EQ(facts.root_device, "vda");
  EXPECT_EQ(facts.loader, "none");
  ASSERT_EQ(facts.filesystems.size(), 1U);
  EXPECT_EQ(facts.filesystems[0].type, "ext4");
  EXPECT_EQ(facts.filesystems[0].size.value, k_disk_size);
  EXPECT_EQ(facts.filesystems[0].mountpoint, "/");
  EXPECT_EQ(appliance.notes(),
            std::vector<std::string>{"line 2 of /etc/fstab: /dev/xvdc is not there"});
  appliance.root().write("/etc/hostname", "changed\n");
  appliance.root().remove("/usr/big");
  appliance.trim();
  appliance.close();
  // 8 MiB of the removed file are free now, as is most of the disk.
  EXPECT_LT(allocated_bytes(overlay), 8U << 20U);
  EXPECT_EQ(read_text_file(disk, k_disk_size), before);
  EXPECT_TRUE(fs::is_directory(options.scratch));
}

TEST(Appliance, that_does_not_get_ready_is_stopped) {
  const TempDir temp(fs::temp_directory_path(), "vmconvert-test");
  const fs::path disk = make_disk(temp);
  ApplianceOptions options;
  options.disks = {{"vda", disk, model::DiskFormat::raw}};
  options.scratch = temp.path() / "scratch";
  options.cache = k_cache;
  options.launch_limit = std::chrono::seconds(1);
  EXPECT_THROW(guest::Appliance{options}, LaunchTimeout);
  EXPECT_TRUE(fs::is_empty(options.scratch));
}

}  // namespace
}  // namespace vmconvert::guest
