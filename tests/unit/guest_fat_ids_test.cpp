// Volume IDs of FAT, on filesystems that mkfs.fat made.
#include "guest/fat_ids.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/subprocess.hpp"
#include "base/temp_dir.hpp"
#include "base/text.hpp"
#include "base/units.hpp"
#include "guest/folder_root.hpp"

namespace vmconvert::guest {
namespace {

namespace fs = std::filesystem;

class FatIds : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (!find_program("mkfs.fat") || !find_program("fsck.fat")) {
      GTEST_SKIP() << "dosfstools are not installed";
    }
    const std::string size = GetParam() == "12" ? "8192" : "65536";
    run({"mkfs.fat", "-C", "-F", GetParam(), "-i", "ef120001", disk.string(), size});
  }
  std::string run(const std::vector<std::string>& argv) {
    return run_or_throw(m_commands, {.argv = argv});
  }
  // What util-linux calls it.
  std::string uuid() {
    return std::string(trim(run({"blkid", "-p", "-o", "value", "-s", "UUID", disk.string()})));
  }

  TempDir temp{fs::temp_directory_path(), "vmconvert-test"};
  const fs::path disk = temp.path() / "disk";
  FolderRoot root{temp.path(), {{"vda1", disk}}};

 private:
  RealCommandRunner m_commands;
};

INSTANTIATE_TEST_SUITE_P(Widths, FatIds, testing::Values("12", "16", "32"),
                         [](const auto& test) { return "fat" + test.param; });

TEST_P(FatIds, AreReadAndSetAsTheToolsSeeThem) {
  EXPECT_EQ(read_fat_id(root, "vda1"), "EF12-0001");
  EXPECT_TRUE(set_fat_id(root, "vda1", "EF12-0001", "0A1B-F2C3"));
  EXPECT_EQ(uuid(), "0A1B-F2C3");
  EXPECT_EQ(read_fat_id(root, "vda1"), "0A1B-F2C3");
  // It compares the boot sector with its copy, where there is one.
  EXPECT_NO_THROW(run({"fsck.fat", "-n", disk.string()}));
}

TEST_P(FatIds, AreNotSetWhereTheyAreOthers) {
  EXPECT_FALSE(set_fat_id(root, "vda1", "EF12-0002", "0A1B-F2C3"));
  EXPECT_FALSE(set_fat_id(root, "vda1", "EF12-0001", "no number"));
  EXPECT_EQ(uuid(), "EF12-0001");
}

TEST(FatId, IsNotSeenInWhatIsNoFat) {
  TempDir temp(fs::temp_directory_path(), "vmconvert-test");
  const fs::path disk = temp.path() / "disk";
  FolderRoot root(temp.path(), {{"vda1", disk}});
  for (std::string content : {std::string(k_sector_size, '\0'), std::string(k_sector_size, '\xeb'),
                              "\xeb" + std::string(509, 'x') + "\x55\xaa"}) {
    content.resize(1U << 20U);
    std::ofstream(disk, std::ios::binary) << content;
    EXPECT_EQ(read_fat_id(root, "vda1"), std::nullopt);
  }
}

}  // namespace
}  // namespace vmconvert::guest
