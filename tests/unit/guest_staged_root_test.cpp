#include "guest/staged_root.hpp"

#include <filesystem>
#include <fstream>

#include "base/temp_dir.hpp"
#include "contract/guest_root_contract.hpp"
#include "guest/folder_root.hpp"

namespace vmconvert::guest {
namespace {

namespace fs = std::filesystem;

void put(const fs::path& path, const std::string& content) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << content;
}

struct StagedFixture {
  TempDir temp{fs::temp_directory_path(), "vmconvert-test"};
  fs::path tree = temp.path() / "tree";
  FolderRoot folder;
  StagedRoot staged{folder};

  StagedFixture() : folder((fill(), tree), {{"vda", temp.path() / "vda"}}) {
    staged.set_author("one");
  }
  GuestRoot& root() { return staged; }

 private:
  void fill() const {
    const ContractTree wanted;
    for (const auto& [path, content] : wanted.files) {
      put(tree.string() + path, content);
    }
    for (const auto& [path, target] : wanted.links) {
      fs::create_symlink(target, tree.string() + path);
    }
    put(temp.path() / "vda", std::string(8192, '\0'));
  }
};

INSTANTIATE_TYPED_TEST_SUITE_P(Staged, GuestRootContract, StagedFixture);

TEST(StagedRoot, holds_everything_back_until_apply) {
  StagedFixture f;
  f.staged.write("/etc/fstab", "new\n");
  f.staged.write("/deep/down/file", "x", 0600);
  f.staged.symlink("/etc/link", "fstab");
  f.staged.remove("/etc/empty");
  f.staged.write_disk("vda", 446, "disk");
  EXPECT_EQ(f.folder.read("/etc/fstab"), "/dev/xvda1 / ext3\n");
  EXPECT_FALSE(f.folder.exists("/deep"));
  EXPECT_FALSE(f.folder.exists("/etc/link"));
  EXPECT_TRUE(f.folder.exists("/etc/empty"));
  EXPECT_EQ(f.folder.read_disk("vda", 446, 4), std::string(4, '\0'));
  f.staged.apply();
  EXPECT_EQ(f.folder.read("/etc/fstab"), "new\n");
  EXPECT_EQ(f.folder.stat("/deep/down/file").mode, 0600U);
  EXPECT_EQ(f.folder.read_link("/etc/link"), "fstab");
  EXPECT_FALSE(f.folder.exists("/etc/empty"));
  EXPECT_EQ(f.folder.read_disk("vda", 446, 4), "disk");
  EXPECT_EQ(f.staged.read("/etc/fstab"), "new\n");
  EXPECT_EQ(f.staged.changes().size(), 5U);
}

TEST(StagedRoot, shows_each_authors_own_edit) {
  StagedFixture f;
  f.staged.write("/etc/fstab", "one\n");
  f.staged.write("/etc/fstab", "ONE\n");
  f.staged.set_author("two");
  f.staged.write("/etc/absolute", "TWO\n");  // the same file, through a link
  const model::Edits edits = f.staged.edits();
  ASSERT_EQ(edits.size(), 2U);
  EXPECT_EQ(edits[0].fixer, "one");
  EXPECT_EQ(edits[0].path, "/etc/fstab");
  EXPECT_EQ(edits[0].diff,
            "--- a/etc/fstab\n+++ b/etc/fstab\n@@ -1,1 +1,1 @@\n-/dev/xvda1 / ext3\n+ONE\n");
  EXPECT_EQ(edits[1].fixer, "two");
  EXPECT_EQ(edits[1].path, "/etc/fstab");
  EXPECT_EQ(edits[1].diff, "--- a/etc/fstab\n+++ b/etc/fstab\n@@ -1,1 +1,1 @@\n-ONE\n+TWO\n");
  f.staged.apply();
  EXPECT_EQ(f.folder.read("/etc/fstab"), "TWO\n");
}

TEST(StagedRoot, what_ends_as_it_began_is_no_change) {
  StagedFixture f;
  f.staged.write("/etc/fstab", "other\n");
  f.staged.write("/etc/fstab", "/dev/xvda1 / ext3\n");
  f.staged.write("/etc/passing", "x");
  f.staged.remove("/etc/passing");
  f.staged.symlink("/etc/absolute", "/etc/fstab");
  f.staged.write_disk("vda", 0, std::string(16, '\0'));
  EXPECT_TRUE(f.staged.changes().empty());
  EXPECT_TRUE(f.staged.edits().empty());
  f.staged.apply();
  EXPECT_FALSE(f.folder.exists("/etc/passing"));
}

TEST(StagedRoot, describes_what_has_no_diff) {
  StagedFixture f;
  f.staged.write("/boot/vmlinuz-6.1.0-50", std::string("\0\1", 2));
  f.staged.write("/boot/core.img", std::string(3, '\0'));
  f.staged.write("/etc/new-empty", "");
  f.staged.remove("/etc/empty");
  f.staged.symlink("/etc/mtab", "/proc/mounts");
  f.staged.write_disk("vda", 512, std::string(100, 'g'), "GRUB 2 core image");
  const model::Edits edits = f.staged.edits();
  ASSERT_EQ(edits.size(), 6U);
  EXPECT_EQ(edits[0].diff, "binary, 2 bytes -> 2 bytes");
  EXPECT_EQ(edits[1].diff, "binary, new, 3 bytes");
  EXPECT_EQ(edits[2].diff, "empty file, new");
  EXPECT_EQ(edits[3].diff, "empty file, removed");
  EXPECT_EQ(edits[4].diff,
            "--- /dev/null\n+++ b/etc/mtab\n@@ -0,0 +1,1 @@\n+symlink to /proc/mounts\n");
  EXPECT_EQ(edits[5].path, "vda: bytes 512 to 612");
  EXPECT_EQ(edits[5].diff, "GRUB 2 core image, 100 bytes");
}

TEST(StagedRoot, a_file_in_the_place_of_a_link_does_not_follow_it) {
  StagedFixture f;
  f.staged.remove("/etc/absolute");
  f.staged.write("/etc/absolute", "own\n");
  f.staged.apply();
  EXPECT_EQ(f.folder.lstat("/etc/absolute").kind, FileKind::file);
  EXPECT_EQ(f.folder.read("/etc/absolute"), "own\n");
  EXPECT_EQ(f.folder.read("/etc/fstab"), "/dev/xvda1 / ext3\n");
}

TEST(StagedRoot, staged_links_count_at_once) {
  StagedFixture f;
  f.staged.symlink("/srv/boot", "../boot");
  EXPECT_EQ(f.staged.read("/srv/boot/vmlinuz-2.6.32-5"), "k1");
  f.staged.write("/srv/boot/new", "n");
  EXPECT_EQ(f.staged.read("/boot/new"), "n");
  f.staged.apply();
  EXPECT_EQ(f.folder.read("/boot/new"), "n");
}

TEST(StagedRoot, runs_nothing) {
  StagedFixture f;
  EXPECT_EQ(kind_of_error([&] { f.staged.run({"/bin/true"}); }), ErrorKind::unsupported);
}

TEST(StagedRoot, new_changes_after_apply_are_applied_alone) {
  StagedFixture f;
  f.staged.write("/etc/fstab", "1\n");
  f.staged.apply();
  f.folder.write("/etc/fstab", "by hand\n");
  f.staged.write("/etc/other", "2\n");
  f.staged.apply();
  EXPECT_EQ(f.folder.read("/etc/fstab"), "by hand\n");
  EXPECT_EQ(f.folder.read("/etc/other"), "2\n");
}

}  // namespace
}  // namespace vmconvert::guest
