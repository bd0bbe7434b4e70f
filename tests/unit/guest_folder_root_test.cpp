#include "guest/folder_root.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/temp_dir.hpp"
#include "contract/guest_root_contract.hpp"

namespace vmconvert::guest {
namespace {

namespace fs = std::filesystem;

std::string content_of(const fs::path& path) {
  return read_text_file(path);
}

void put(const fs::path& path, const std::string& content) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << content;
}

// The contract's tree in a folder, and beside it a secret that must never be seen.
struct FolderFixture {
  TempDir temp{fs::temp_directory_path(), "vmconvert-test"};
  fs::path tree = temp.path() / "tree";
  FolderRoot folder;

  FolderFixture() : folder((fill(), tree), {{"vda", temp.path() / "vda"}}) {}
  GuestRoot& root() { return folder; }

 private:
  void fill() const {
    const ContractTree wanted;
    for (const auto& [path, content] : wanted.files) {
      put(tree.string() + path, content);
    }
    for (const auto& [path, target] : wanted.links) {
      fs::create_symlink(target, tree.string() + path);
    }
    put(temp.path() / "secret", "secret");
    put(temp.path() / "vda", std::string(8192, '\0'));
  }
};

INSTANTIATE_TYPED_TEST_SUITE_P(Folder, GuestRootContract, FolderFixture);

TEST(FolderRoot, never_leaves_its_folder) {
  FolderFixture fixture;
  fs::create_symlink("../secret", fixture.tree / "up");
  fs::create_symlink(fixture.temp.path() / "secret", fixture.tree / "absolute-host");
  fs::create_symlink("..", fixture.tree / "parent");
  EXPECT_FALSE(fixture.folder.exists("/up"));
  EXPECT_FALSE(fixture.folder.exists("/absolute-host"));
  EXPECT_FALSE(fixture.folder.exists("/../secret"));
  fixture.folder.write("/../secret", "inside");
  fixture.folder.write("/parent/other", "inside");
  EXPECT_EQ(content_of(fixture.temp.path() / "secret"), "secret");
  EXPECT_EQ(content_of(fixture.tree / "secret"), "inside");
  EXPECT_EQ(content_of(fixture.tree / "other"), "inside");
}

TEST(FolderRoot, refuses_links_of_proc) {
  FolderFixture fixture;
  // A tree that really holds a procfs, as a mounted guest may: the folder is / itself.
  FolderRoot host("/");
  EXPECT_FALSE(host.exists("/proc/self/root/etc"));
  EXPECT_THROW(host.read("/proc/self/exe"), Error);
}

TEST(FolderRoot, does_not_open_pipes) {
  FolderFixture fixture;
  ASSERT_EQ(::mkfifo((fixture.tree / "etc/pipe").c_str(), 0600), 0);
  EXPECT_EQ(fixture.folder.stat("/etc/pipe").kind, FileKind::other);
  EXPECT_EQ(kind_of_error([&] { fixture.folder.read("/etc/pipe"); }), ErrorKind::bad_input);
  EXPECT_EQ(kind_of_error([&] { fixture.folder.write("/etc/pipe", "x"); }), ErrorKind::bad_input);
  EXPECT_EQ(fixture.folder.read_if_there("/etc/pipe"), std::nullopt);
  fixture.folder.remove("/etc/pipe");
  EXPECT_FALSE(fs::exists(fixture.tree / "etc/pipe"));
}

TEST(FolderRoot, keeps_mode_and_owner_of_what_it_replaces) {
  FolderFixture fixture;
  const fs::path file = fixture.tree / "etc/fstab";
  ASSERT_EQ(::chmod(file.c_str(), 0640), 0);
  const bool root = ::geteuid() == 0;
  if (root) {
    ASSERT_EQ(::chown(file.c_str(), 12, 34), 0);
  }
  const FileStat before = fixture.folder.stat("/etc/fstab");
  fixture.folder.write("/etc/fstab", "new", 0777);
  const FileStat after = fixture.folder.stat("/etc/fstab");
  EXPECT_EQ(after.mode, 0640U);
  EXPECT_EQ(after.uid, before.uid);
  EXPECT_EQ(after.gid, root ? 34U : before.gid);
}

TEST(FolderRoot, leaves_no_temporary_behind) {
  FolderFixture fixture;
  fixture.folder.write("/boot/a", "x");
  fixture.folder.symlink("/boot/b", "a");
  fixture.folder.remove("/boot/a");
  fixture.folder.remove("/boot/b");
  EXPECT_EQ(fixture.folder.list("/boot").size(), 3U);
}

TEST(FolderRoot, a_file_that_is_open_elsewhere_stays_whole) {
  FolderFixture fixture;
  std::ifstream old(fixture.tree / "etc/fstab");
  fixture.folder.write("/etc/fstab", "short");
  std::string line;
  std::getline(old, line);
  EXPECT_EQ(line, "/dev/xvda1 / ext3");
}

TEST(FolderRoot, runs_nothing) {
  FolderFixture fixture;
  EXPECT_EQ(kind_of_error([&] { fixture.folder.run({"/bin/true"}); }), ErrorKind::unsupported);
}

TEST(FolderRoot, refuses_patterns_that_would_take_for_ever) {
  FolderFixture fixture;
  EXPECT_EQ(kind_of_error([&] { fixture.folder.glob("/etc/*a*a*a*a*a*a*a*a*a*b"); }),
            ErrorKind::bad_input);
}

TEST(FolderRoot, says_which_folder_is_missing) {
  EXPECT_EQ(kind_of_error([] { FolderRoot("/no/such/folder"); }), ErrorKind::not_found);
}

}  // namespace
}  // namespace vmconvert::guest
