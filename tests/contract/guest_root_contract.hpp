// What every GuestRoot promises, whatever is behind it: one suite, run on each implementation.
//
//   struct MyRoot { vmconvert::guest::GuestRoot& root(); };   // over the tree of contract_tree()
//   INSTANTIATE_TYPED_TEST_SUITE_P(Mine, GuestRootContract, MyRoot);
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "guest/guest_root.hpp"

namespace vmconvert::guest {

// Content that the tests expect to find; links as {path, target}. Folders are implied.
struct ContractTree {
  std::vector<std::pair<std::string, std::string>> files = {
      {"/etc/fstab", "/dev/xvda1 / ext3\n"},
      {"/etc/empty", ""},
      {"/etc/.hidden", "h"},
      {"/etc/network/interfaces", "auto eth0\n"},
      {"/boot/vmlinuz-2.6.32-5", "k1"},
      {"/boot/vmlinuz-6.1.0-50", "k2"},
      {"/boot/initrd.img-6.1.0-50", "i2"},
      {"/lib/modules/6.1.0-50/modules.dep", "dep"},
      {"/lib/modules/2.6.32-5/modules.dep", "dep"},
  };
  std::vector<std::pair<std::string, std::string>> links = {
      {"/vmlinuz", "boot/vmlinuz-6.1.0-50"},
      {"/etc/absolute", "/etc/fstab"},
      {"/etc/upward", "../../../../../../../etc/fstab"},
      {"/etc/nowhere", "/run/later/file"},
      {"/etc/loop", "pool"},
      {"/etc/pool", "loop"},
      {"/modules", "lib/modules"},
  };
};

inline ErrorKind kind_of_error(const std::function<void()>& body) {
  try {
    body();
  } catch (const Error& error) {
    return error.kind();
  }
  return ErrorKind::internal;  // no test expects this one: it means that nothing was thrown
}

template <class Fixture>
class GuestRootContract : public testing::Test {
 protected:
  GuestRoot& root() { return m_fixture.root(); }
  Fixture m_fixture;
};
TYPED_TEST_SUITE_P(GuestRootContract);

TYPED_TEST_P(GuestRootContract, reads_through_links_of_every_kind) {
  GuestRoot& root = this->root();
  EXPECT_EQ(root.read("/etc/fstab"), "/dev/xvda1 / ext3\n");
  EXPECT_EQ(root.read("/etc/absolute"), "/dev/xvda1 / ext3\n");
  EXPECT_EQ(root.read("/etc/upward"), "/dev/xvda1 / ext3\n");
  EXPECT_EQ(root.read("/vmlinuz"), "k2");
  EXPECT_EQ(root.read("/modules/6.1.0-50/modules.dep"), "dep");
  EXPECT_EQ(root.read("/etc/../etc//./fstab"), "/dev/xvda1 / ext3\n");
  EXPECT_EQ(root.read_link("/etc/absolute"), "/etc/fstab");
  EXPECT_EQ(root.read_link("/etc/upward"), "../../../../../../../etc/fstab");
}

TYPED_TEST_P(GuestRootContract, says_what_things_are) {
  GuestRoot& root = this->root();
  EXPECT_EQ(root.stat("/etc").kind, FileKind::directory);
  EXPECT_EQ(root.stat("/").kind, FileKind::directory);
  EXPECT_EQ(root.stat("/etc/fstab").kind, FileKind::file);
  EXPECT_EQ(root.stat("/etc/fstab").size, 18U);
  EXPECT_EQ(root.stat("/etc/absolute").kind, FileKind::file);
  EXPECT_EQ(root.lstat("/etc/absolute").kind, FileKind::symlink);
  EXPECT_EQ(root.stat("/modules").kind, FileKind::directory);
  EXPECT_EQ(root.stat("/etc/nowhere").kind, FileKind::missing);
  EXPECT_EQ(root.lstat("/etc/nowhere").kind, FileKind::symlink);
  EXPECT_EQ(root.stat("/etc/loop").kind, FileKind::missing);
  EXPECT_EQ(root.stat("/etc/fstab/below").kind, FileKind::missing);
  EXPECT_EQ(root.stat("/no/such").kind, FileKind::missing);
  EXPECT_TRUE(root.exists("/etc/empty"));
  EXPECT_EQ(root.read_if_there("/etc/empty"), "");
  EXPECT_EQ(root.read_if_there("/etc/none"), std::nullopt);
}

TYPED_TEST_P(GuestRootContract, refuses_what_cannot_be_read) {
  GuestRoot& root = this->root();
  EXPECT_EQ(kind_of_error([&] { root.read("/etc/none"); }), ErrorKind::not_found);
  EXPECT_EQ(kind_of_error([&] { root.read("/etc"); }), ErrorKind::bad_input);
  EXPECT_EQ(kind_of_error([&] { root.read("/etc/fstab", 17); }), ErrorKind::bad_input);
  EXPECT_EQ(root.read("/etc/fstab", 18).size(), 18U);
  EXPECT_EQ(kind_of_error([&] { root.read("etc/fstab"); }), ErrorKind::bad_input);
  EXPECT_EQ(kind_of_error([&] { root.read(std::string("/etc\0/fstab", 11)); }),
            ErrorKind::bad_input);
  EXPECT_EQ(kind_of_error([&] { root.stat("/" + std::string(5000, 'x')); }), ErrorKind::bad_input);
}

TYPED_TEST_P(GuestRootContract, lists_and_matches) {
  using testing::ElementsAre;
  using testing::IsEmpty;
  GuestRoot& root = this->root();
  EXPECT_THAT(root.list("/boot"),
              ElementsAre("initrd.img-6.1.0-50", "vmlinuz-2.6.32-5", "vmlinuz-6.1.0-50"));
  EXPECT_THAT(root.list("/modules"), ElementsAre("2.6.32-5", "6.1.0-50"));
  EXPECT_THAT(root.list("/none"), IsEmpty());
  EXPECT_THAT(root.list("/etc/fstab"), IsEmpty());
  EXPECT_THAT(root.glob("/boot/vmlinuz-*"),
              ElementsAre("/boot/vmlinuz-2.6.32-5", "/boot/vmlinuz-6.1.0-50"));
  EXPECT_THAT(
      root.glob("/lib/modules/*/modules.dep"),
      ElementsAre("/lib/modules/2.6.32-5/modules.dep", "/lib/modules/6.1.0-50/modules.dep"));
  EXPECT_THAT(root.glob("/etc/fs*"), ElementsAre("/etc/fstab"));
  EXPECT_THAT(root.glob("/etc/*idden"), IsEmpty());
  EXPECT_THAT(root.glob("/etc/.hid*"), ElementsAre("/etc/.hidden"));
  EXPECT_THAT(root.glob("/etc/now*"), ElementsAre("/etc/nowhere"));
  EXPECT_THAT(root.glob("/*/vmlinuz-[0-3]*"), ElementsAre("/boot/vmlinuz-2.6.32-5"));
  EXPECT_THAT(root.glob("/boot/none"), IsEmpty());
  EXPECT_THAT(root.glob("/*/none"), IsEmpty());
}

TYPED_TEST_P(GuestRootContract, writes_what_reads_see) {
  using testing::Contains;
  GuestRoot& root = this->root();
  root.write("/etc/fstab", "changed\n");
  EXPECT_EQ(root.read("/etc/fstab"), "changed\n");
  EXPECT_EQ(root.read("/etc/absolute"), "changed\n");
  EXPECT_EQ(root.stat("/etc/fstab").size, 8U);
  root.write("/new/folders/file", "x", 0600);
  EXPECT_EQ(root.stat("/new/folders").kind, FileKind::directory);
  EXPECT_EQ(root.stat("/new/folders/file").mode, 0600U);
  EXPECT_THAT(root.list("/"), Contains("new"));
  EXPECT_THAT(root.list("/new"), testing::ElementsAre("folders"));
  EXPECT_THAT(root.glob("/new/*/file"), testing::ElementsAre("/new/folders/file"));
}

TYPED_TEST_P(GuestRootContract, writes_through_links_and_keeps_them) {
  GuestRoot& root = this->root();
  root.write("/etc/upward", "via link\n");
  EXPECT_EQ(root.read("/etc/fstab"), "via link\n");
  EXPECT_EQ(root.lstat("/etc/upward").kind, FileKind::symlink);
  root.write("/etc/nowhere", "made\n");  // what the link names is made, with its folders
  EXPECT_EQ(root.read("/run/later/file"), "made\n");
  root.write("/modules/new", "m");
  EXPECT_EQ(root.read("/lib/modules/new"), "m");
  EXPECT_EQ(kind_of_error([&] { root.write("/etc/loop", "x"); }), ErrorKind::bad_input);
  EXPECT_EQ(kind_of_error([&] { root.write("/etc", "x"); }), ErrorKind::bad_input);
  EXPECT_EQ(kind_of_error([&] { root.write("/", "x"); }), ErrorKind::bad_input);
  EXPECT_EQ(kind_of_error([&] { root.write("/etc/fstab/below", "x"); }), ErrorKind::bad_input);
}

TYPED_TEST_P(GuestRootContract, makes_links) {
  GuestRoot& root = this->root();
  root.symlink("/etc/mtab", "/proc/mounts");
  EXPECT_EQ(root.read_link("/etc/mtab"), "/proc/mounts");
  root.symlink("/etc/fstab", "network/interfaces");  // replaces the file
  EXPECT_EQ(root.read("/etc/fstab"), "auto eth0\n");
  root.symlink("/etc/absolute", "empty");  // replaces the link, not what it names
  EXPECT_EQ(root.read("/etc/absolute"), "");
  root.symlink("/made/for/link", "/etc");
  EXPECT_EQ(root.read("/made/for/link/network/interfaces"), "auto eth0\n");
  EXPECT_EQ(kind_of_error([&] { root.symlink("/etc/network", "x"); }), ErrorKind::bad_input);
}

TYPED_TEST_P(GuestRootContract, removes_files_and_links_only) {
  GuestRoot& root = this->root();
  root.remove("/etc/absolute");
  EXPECT_EQ(root.lstat("/etc/absolute").kind, FileKind::missing);
  EXPECT_TRUE(root.exists("/etc/fstab"));
  root.remove("/etc/fstab");
  EXPECT_FALSE(root.exists("/etc/fstab"));
  EXPECT_THAT(root.list("/etc"), testing::Not(testing::Contains("fstab")));
  root.remove("/etc/fstab");
  root.remove("/no/such/file");
  EXPECT_FALSE(root.exists("/no"));
  EXPECT_EQ(kind_of_error([&] { root.remove("/etc/network"); }), ErrorKind::bad_input);
  root.remove("/modules");  // a link to a folder: what was seen through it is gone
  EXPECT_FALSE(root.exists("/modules/6.1.0-50/modules.dep"));
  EXPECT_TRUE(root.exists("/lib/modules/6.1.0-50/modules.dep"));
  root.write("/modules/own", "x");
  EXPECT_THAT(root.list("/modules"), testing::ElementsAre("own"));
  EXPECT_FALSE(root.exists("/lib/modules/own"));
}

// The disk "vda" has 4096 zero bytes at least.
TYPED_TEST_P(GuestRootContract, reads_and_writes_disks_within_their_size) {
  GuestRoot& root = this->root();
  root.write_disk("vda", 510, "\x55\xaa");
  root.write_disk("vda", 508, "abc");
  EXPECT_EQ(root.read_disk("vda", 507, 6), std::string("\0abc\xaa\0", 6));
  EXPECT_THROW(root.write_disk("vda", 1ULL << 62U, "x"), Error);
  EXPECT_THROW(root.read_disk("vda", ~0ULL - 4, 16), Error);
  EXPECT_THROW(root.read_disk("vdz", 0, 1), Error);
}

REGISTER_TYPED_TEST_SUITE_P(GuestRootContract, reads_through_links_of_every_kind,
                            says_what_things_are, refuses_what_cannot_be_read, lists_and_matches,
                            writes_what_reads_see, writes_through_links_and_keeps_them, makes_links,
                            removes_files_and_links_only, reads_and_writes_disks_within_their_size);

}  // namespace vmconvert::guest
