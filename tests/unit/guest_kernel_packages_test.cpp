#include "guest/kernel_packages.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/temp_dir.hpp"
#include "guest/folder_root.hpp"

namespace vmconvert::guest {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// A guest whose programs are played: what was asked of them is remembered.
class PlayedRoot final : public FolderRoot {
 public:
  using FolderRoot::FolderRoot;
  ProgramResult run(const std::vector<std::string>& argv) override {
    asked = argv;
    for (const std::string& word : argv) {
      if (word.starts_with("/var/tmp/")) {
        seen.push_back(read(word));
      }
    }
    return answer;
  }
  std::vector<std::string> asked, seen;
  ProgramResult answer;
};

struct Packages {
  TempDir host{fs::temp_directory_path(), "vmconvert-test"};
  TempDir guest_folder{fs::temp_directory_path(), "vmconvert-test"};
  PlayedRoot guest{guest_folder.path()};

  Packages() { guest.write("/usr/bin/env", "", 0755); }
  [[nodiscard]] std::string file(const std::string& name, const std::string& content) const {
    const fs::path path = host.path() / name;
    std::ofstream(path, std::ios::binary) << content;
    return path.string();
  }
  [[nodiscard]] std::string deb(const std::string& name = "linux_6.1_amd64.deb") const {
    return file(name, "!<arch>\ndebian-binary   0 kernel");
  }
  [[nodiscard]] std::string rpm() const {
    return file("kernel-2.6.18.rpm", "\xed\xab\xee\xdb kernel");
  }
};

TEST(KernelPackages, AreInstalledByTheGuestsOwnToolAndLeaveNothing) {
  Packages with;
  with.guest.write("/usr/bin/dpkg", "", 0755);
  const InstalledPackages done =
      install_kernel_packages(with.guest, {with.deb(), with.deb("linux-base_4.9_all.deb")});
  EXPECT_THAT(done.findings, IsEmpty());
  EXPECT_THAT(
      with.guest.asked,
      ElementsAre("/usr/bin/env", HasSubstr("PATH="), "DEBIAN_FRONTEND=noninteractive",
                  "/usr/bin/dpkg", "--install", "/var/tmp/vmconvert-packages/linux_6.1_amd64.deb",
                  "/var/tmp/vmconvert-packages/linux-base_4.9_all.deb"));
  EXPECT_THAT(with.guest.seen, SizeIs(2));
  EXPECT_FALSE(with.guest.exists("/var/tmp/vmconvert-packages"));
  ASSERT_THAT(done.edits, SizeIs(2));
  EXPECT_EQ(done.edits[0].path, "/usr/bin/dpkg --install linux_6.1_amd64.deb");
}

TEST(KernelPackages, ThatTheToolRefusesBlock) {
  Packages with;
  with.guest.write("/bin/rpm", "", 0755);
  with.guest.answer = {1, "error: Failed dependencies:\n\tmkinitrd >= 4.2 is needed\n"};
  const InstalledPackages done = install_kernel_packages(with.guest, {with.rpm()});
  ASSERT_THAT(done.findings, SizeIs(1));
  EXPECT_EQ(done.findings[0].id, "kernel-package");
  EXPECT_EQ(done.findings[0].severity, model::Severity::blocks);
  EXPECT_THAT(done.findings[0].message, HasSubstr("mkinitrd >= 4.2"));
  EXPECT_FALSE(with.guest.exists("/var/tmp/vmconvert-packages"));
}

TEST(KernelPackages, ThatAreThereAlreadyAreNoFault) {
  Packages with;
  with.guest.write("/bin/rpm", "", 0755);
  with.guest.answer = {1, "\tpackage kernel-2.6.18-419.el5 is already installed\n"};
  EXPECT_THAT(install_kernel_packages(with.guest, {with.rpm()}).findings, IsEmpty());
}

TEST(KernelPackages, HaveTheGuestLabelItsFilesAnewWhereItHasSELinux) {
  Packages with;
  with.guest.write("/bin/rpm", "", 0755);
  static_cast<void>(install_kernel_packages(with.guest, {with.rpm()}));
  EXPECT_FALSE(with.guest.exists("/.autorelabel"));
  with.guest.write("/etc/selinux/config", "# x\nSELINUX=enforcing\n");
  const InstalledPackages done = install_kernel_packages(with.guest, {with.rpm()});
  EXPECT_TRUE(with.guest.exists("/.autorelabel"));
  EXPECT_EQ(done.edits.back().path, "/.autorelabel");
}

TEST(KernelPackages, OfAnotherKindThanTheGuestsBlock) {
  Packages with;
  with.guest.write("/usr/bin/dpkg", "", 0755);
  const InstalledPackages done = install_kernel_packages(with.guest, {with.rpm()});
  ASSERT_THAT(done.findings, SizeIs(1));
  EXPECT_THAT(done.findings[0].message, HasSubstr("the guest has no rpm"));
  EXPECT_THAT(with.guest.asked, IsEmpty());
}

TEST(KernelPackages, ThatAreNoneAreFoundBeforeAnythingIsBegun) {
  const Packages with;
  for (const std::string& file :
       {with.file("text.rpm", "not a package"), with.file("empty.deb", ""),
        (with.host.path() / "missing.rpm").string(), with.host.path().string(),
        with.file("-i.deb", "!<arch>\ndebian-binary"),
        with.file("a b.deb", "!<arch>\ndebian-binary")}) {
    const model::Findings found = check_kernel_packages({file});
    ASSERT_THAT(found, SizeIs(1)) << file;
    EXPECT_EQ(found[0].id, "kernel-package");
  }
  EXPECT_THAT(check_kernel_packages({with.rpm(), with.deb()}), SizeIs(1)) << "mixed";
  EXPECT_THAT(check_kernel_packages({with.deb()}), IsEmpty());
}

}  // namespace
}  // namespace vmconvert::guest
