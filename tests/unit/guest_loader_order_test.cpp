// What systemd-boot shows first, and what it starts.
#include <gtest/gtest.h>

#include <filesystem>
#include <vmconvert/systemd_boot.hpp>

#include "base/temp_dir.hpp"
#include "boot_files.hpp"
#include "guest/folder_root.hpp"

namespace vmconvert::efi {
namespace {

namespace fs = std::filesystem;

int sign(int value) {
  return (value > 0) - (value < 0);
}

// The examples of the version format specification, and rows of its own rules.
TEST(VersionOrder, IsThatOfTheSpecification) {
  const std::vector<std::string> ascending = {
      "~",       "",          "ab",      "abb",     "abc",     "122.1~rc1",
      "122.1",   "123~rc1",   "123",     "123-a",   "123-a.1", "123-1",
      "123-1.1", "123^post1", "123.a-1", "123.1-1", "123a-1",  "124-1"};
  for (std::size_t a = 0; a < ascending.size(); ++a) {
    for (std::size_t b = 0; b < ascending.size(); ++b) {
      EXPECT_EQ(sign(VersionOrder::compare(ascending[a], ascending[b])), (a > b) - (a < b))
          << ascending[a] << " " << ascending[b];
    }
  }
  EXPECT_EQ(VersionOrder::compare("001", "1"), 0);
  EXPECT_EQ(VersionOrder::compare("1_2", "12"), 1 - 2) << "an unknown byte parts them";
  EXPECT_GT(VersionOrder::compare(std::string(100, '9'), std::string(99, '9')), 0);
}

TEST(LoaderPattern, KnowsWhatSystemdBootKnows) {
  EXPECT_TRUE(matches("arch.conf", "arch.conf"));
  EXPECT_TRUE(matches("arch-*", "arch-6.9.conf"));
  EXPECT_TRUE(matches("*", ""));
  EXPECT_TRUE(matches("a?c[0-9x]*.conf", "abc5z.conf"));
  EXPECT_TRUE(matches("[]a]", "]"));
  EXPECT_TRUE(matches("\\*", "*"));
  EXPECT_FALSE(matches("\\*", "x"));
  EXPECT_FALSE(matches("a?c", "ac"));
  EXPECT_FALSE(matches("[a-c]", "d"));
  EXPECT_FALSE(matches("", "arch.conf"));
  EXPECT_TRUE(matches("[a", "[a"));
  EXPECT_FALSE(matches("a\\", "a"));
  std::string stars;
  for (int i = 0; i < 2000; ++i) {
    stars += "*a";
  }
  EXPECT_FALSE(matches(stars + "b", std::string(20000, 'a')));
}

struct Loader {
  TempDir temp{fs::temp_directory_path(), "vmconvert-test"};
  guest::FolderRoot root{temp.path(), {}};

  Loader() { root.write("/boot/vmlinuz", "kernel"); }
  void entry(const std::string& name, const std::string& more, const std::string& at = "/boot") {
    root.write(at + "/loader/entries/" + name, "linux /vmlinuz\n" + more);
  }
  void loader_conf(const std::string& text) { root.write("/boot/loader/loader.conf", text); }
  LoaderMenu menu(const std::string& version = "255.4") {
    return read_loader_menu(root, {"/boot"}, "x86_64", version);
  }
  std::string chosen(const std::string& version = "255.4") {
    const LoaderMenu found = menu(version);
    return found.chosen ? found.entries[*found.chosen].id : "";
  }
};

TEST(LoaderMenu, PutsTheNewestFirst) {
  Loader loader;
  EXPECT_EQ(loader.chosen(), "");
  loader.entry("x-6.9.conf", "");
  loader.entry("x-6.10.conf", "");
  EXPECT_EQ(loader.chosen(), "x-6.10.conf");
  loader.entry("a.conf", "sort-key fedora\nversion 6.9\n");
  loader.entry("b.conf", "sort-key fedora\nversion 6.11\n");
  loader.entry("c.conf", "sort-key gentoo\nversion 7\n");
  EXPECT_EQ(loader.chosen(), "b.conf") << "sort keys first, then newer versions";
  EXPECT_EQ(loader.chosen("247.3"), "x-6.10.conf") << "that one knew no sort keys";
}

TEST(LoaderMenu, FollowsLoaderConf) {
  Loader loader;
  loader.entry("arch.conf", "");
  loader.entry("arch-LTS.conf", "");
  loader.entry("zen.conf", "");
  loader.loader_conf("# default arch.conf\ntimeout 3\n");
  EXPECT_EQ(loader.chosen(), "zen.conf");
  loader.loader_conf("default arch-lts*\n");
  EXPECT_EQ(loader.chosen(), "arch-lts.conf");
  loader.loader_conf("default @saved\n");
  EXPECT_EQ(loader.chosen(), "zen.conf") << "the variable is in the old machine";
}

TEST(LoaderMenu, PassesOverWhatCannotStart) {
  Loader loader;
  loader.entry("z.conf", "architecture aa64\n");
  loader.entry("y.conf", "linux /not-there\n");
  loader.entry("auto-x.conf", "");
  loader.entry(".x.conf", "");
  loader.entry("x.conf.bak", "");
  loader.root.write("/boot/loader/entries/w.conf", "title nothing\noptions quiet\n");
  EXPECT_TRUE(loader.menu().entries.empty());
  loader.entry("v.conf", "architecture X64\n");
  EXPECT_EQ(loader.chosen(), "v.conf");
}

TEST(LoaderMenu, CountsTries) {
  Loader loader;
  loader.entry("b+0-3.conf", "");
  loader.entry("a+2-1.conf", "");
  const LoaderMenu menu = loader.menu();
  ASSERT_EQ(menu.entries.size(), 2U);
  EXPECT_EQ(menu.entries[0].id, "a.conf");
  EXPECT_EQ(menu.entries[0].tries_left, 2U);
  EXPECT_EQ(menu.entries[0].tries_done, 1U);
  EXPECT_EQ(menu.entries[1].id, "b.conf") << "tried too often";
}

TEST(LoaderMenu, ReadsAnEntry) {
  const auto entry = read_entry(
      "title \"Arch Linux\"\nversion 6.9\nmachine-id 0123\nsort-key arch\n# linux /no\n"
      "linux\t\\vmlinuz-linux\ninitrd /ucode.img\ninitrd /initramfs.img\noptions root=/dev/xvda2\n"
      "options  rw quiet \r\narchitecture x64\n",
      "Arch.conf", "/efi", "x86_64");
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->id, "arch.conf");
  EXPECT_EQ(entry->file, "/efi/loader/entries/Arch.conf");
  EXPECT_EQ(entry->title, "Arch Linux");
  EXPECT_EQ(entry->program, "/efi/vmlinuz-linux");
  EXPECT_EQ(entry->initrds, (std::vector<std::string>{"/efi/ucode.img", "/efi/initramfs.img"}));
  EXPECT_EQ(entry->arguments, "root=/dev/xvda2 rw quiet");
  EXPECT_EQ(entry->machine_id, "0123");
}

TEST(LoaderMenu, TakesUnifiedKernelImages) {
  Loader loader;
  loader.root.write("/boot/EFI/Linux/a.efi",
                    boot_files::make_uki("6.8", "", "quiet", "ID=fedora\nVERSION_ID=40\n"));
  loader.root.write("/boot/EFI/Linux/b.EFI",
                    boot_files::make_uki("6.9", "", "", "ID=\"fedora\"\nVERSION_ID=\"41\"\n"));
  loader.root.write("/boot/EFI/Linux/c.efi", "MZ another program");
  const LoaderMenu menu = loader.menu();
  ASSERT_EQ(menu.entries.size(), 2U);
  EXPECT_EQ(menu.entries[0].id, "b.efi");
  EXPECT_EQ(menu.entries[0].version, "41");
  EXPECT_EQ(menu.entries[1].arguments, "quiet");
}

}  // namespace
}  // namespace vmconvert::efi
