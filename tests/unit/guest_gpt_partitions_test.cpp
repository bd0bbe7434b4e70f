// What systemd mounts by a partition's type, without a line in fstab.
#include "guest/gpt_partitions.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/temp_dir.hpp"
#include "boot_files.hpp"
#include "guest/folder_root.hpp"

namespace vmconvert::guest {
namespace {

using boot_files::number;
using boot_files::put;
using testing::ElementsAre;
using testing::IsEmpty;

// c12a7328-f81f-11d2-ba4b-00a0c93ec93b
const std::string k_efi = number(0xc12a7328, 4) + number(0xf81f, 2) + number(0x11d2, 2) +
                          std::string("\xba\x4b\x00\xa0\xc9\x3e\xc9\x3b", 8);
// bc13c2ff-59e6-4262-a352-b275fd6f7172
const std::string k_extended = number(0xbc13c2ff, 4) + number(0x59e6, 2) + number(0x4262, 2) +
                               "\xa3\x52\xb2\x75\xfd\x6f\x71\x72";
constexpr std::size_t k_disk_bytes = 64U << 10U;
const std::string k_generator = "/usr/lib/systemd/system-generators/systemd-gpt-auto-generator";

// vda1 has FAT, vda2 the root, vda3 one more FAT.
class MountsByType : public testing::Test {
 protected:
  void SetUp() override {
    m_root.write("/vda", std::string(k_disk_bytes, '\0'));
    m_root.write(k_generator, "");
    folder("/efi");
    table({k_efi});
    facts.root_device = "vda2";
    facts.filesystems = {{"vda1", "vfat", "EF00-0001", "", {}, ""},
                         {"vda2", "ext4", "2", "", {}, "/"},
                         {"vda3", "vfat", "EF00-0003", "", {}, ""}};
  }
  void folder(const std::string& path) {
    std::filesystem::create_directories(m_temp.path().string() + path);
  }
  void table(const std::vector<std::string>& types, std::uint64_t attributes = 0) {
    std::string bytes(k_disk_bytes, '\0');
    put(bytes, 512, "EFI PART");
    put(bytes, 512 + 72, number(2, 8) + number(128, 4) + number(128, 4));
    for (std::size_t i = 0; i < types.size(); ++i) {
      put(bytes, 1024 + 128 * i, types[i]);
      put(bytes, 1024 + 128 * i + 48, number(attributes, 8));
    }
    m_root.write_disk("vda", 0, bytes);
  }
  std::vector<std::string> mounts(const std::string& disk = "vda") {
    std::vector<std::string> found;
    for (const MountByType& one : mounts_by_type(m_root, facts, fstab, disk, k_disk_bytes)) {
      found.push_back(one.device + " " + one.mountpoint);
    }
    return found;
  }
  GuestRoot& guest() { return m_root; }

  model::GuestFacts facts;
  std::vector<FstabEntry> fstab;

 private:
  TempDir m_temp{std::filesystem::temp_directory_path(), "vmconvert-gpt"};
  FolderRoot m_root{m_temp.path(), {{"vda", m_temp.path() / "vda"}}};
};

TEST_F(MountsByType, PutTheEfiPartitionWhereItsFolderIs) {
  folder("/boot");
  EXPECT_THAT(mounts(), ElementsAre("vda1 /efi"));
}

TEST_F(MountsByType, TakeAnEmptyBootWhereThereIsNoOtherFolder) {
  guest().remove_tree("/efi");
  EXPECT_THAT(mounts(), IsEmpty()) << "there is no /boot";
  folder("/boot");
  EXPECT_THAT(mounts(), ElementsAre("vda1 /boot"));
  guest().write("/boot/vmlinuz", "");
  EXPECT_THAT(mounts(), IsEmpty());
}

TEST_F(MountsByType, LeaveBootToAnExtendedBootLoaderPartition) {
  table({k_efi, "", k_extended});
  folder("/boot");
  EXPECT_THAT(mounts(), ElementsAre("vda3 /boot", "vda1 /efi"));
  guest().remove_tree("/efi");
  EXPECT_THAT(mounts(), ElementsAre("vda3 /boot"));
}

TEST_F(MountsByType, LeaveWhatFstabHas) {
  fstab = {{"/dev/xvda9", "/efi", "vfat", {}, 1}};
  EXPECT_THAT(mounts(), IsEmpty());
  fstab.clear();
  facts.filesystems[0].mountpoint = "/boot/efi";
  EXPECT_THAT(mounts(), IsEmpty());
}

TEST_F(MountsByType, LeaveWhatIsNotForThem) {
  table({k_efi}, std::uint64_t{1} << 63U);
  EXPECT_THAT(mounts(), IsEmpty()) << "it says to be left alone";
  table({k_efi, "", k_efi});
  EXPECT_THAT(mounts(), IsEmpty()) << "two of that type";
  table({k_efi});
  EXPECT_THAT(mounts(""), IsEmpty()) << "no disk is the root's";
  guest().symlink("/etc/systemd/system-generators/systemd-gpt-auto-generator", "/dev/null");
  EXPECT_THAT(mounts(), IsEmpty()) << "switched off";
  guest().remove("/etc/systemd/system-generators/systemd-gpt-auto-generator");
  EXPECT_THAT(mounts(), ElementsAre("vda1 /efi"));
  guest().remove(k_generator);
  EXPECT_THAT(mounts(), IsEmpty()) << "a guest without systemd's generator";
}

TEST_F(MountsByType, SurviveAHostileTable) {
  for (const auto& [at, value, size] :
       {std::tuple<std::size_t, std::uint64_t, std::size_t>{72, ~std::uint64_t{0}, 8},
        {72, k_disk_bytes / 512 - 1, 8},
        {80, 0xffffffff, 4},
        {84, 0, 4},
        {84, 0xffffffff, 4}}) {
    table({k_efi});
    guest().write_disk("vda", 512 + at, number(value, size));
    EXPECT_THAT(mounts(), IsEmpty()) << at << " " << value;
  }
}

TEST(DiskOfRoot, IsTheRootsOwnOrTheOnlyOne) {
  EXPECT_EQ(disk_of_root("vdb2", {"vda", "vdb"}), "vdb");
  EXPECT_EQ(disk_of_root("vda2", {"vda", "vdb"}), "vda");
  EXPECT_EQ(disk_of_root("vdaa2", {"vda", "vdaa"}), "vdaa");
  EXPECT_EQ(disk_of_root("vg/root", {"vda"}), "vda");
  EXPECT_EQ(disk_of_root("vg/root", {"vda", "vdb"}), "");
  EXPECT_EQ(disk_of_root("", {}), "");
}

}  // namespace
}  // namespace vmconvert::guest
