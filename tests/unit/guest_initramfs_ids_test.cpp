// Initramfs images that name an old id, wherever the guest boots one from.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/temp_dir.hpp"
#include "boot_files.hpp"
#include "guest/folder_root.hpp"
#include "guest/new_ids.hpp"

namespace vmconvert::guest {
namespace {

using boot_files::cpio;
using boot_files::make_uki;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const std::string k_old_id = "0a1b2c3d-1111-4222-8333-444455556666";

class InitramfsIds : public testing::Test {
 protected:
  std::vector<std::string> found() { return images_with_old_ids(m_root, m_changes); }
  model::Findings findings() { return old_ids_in_initramfs(m_root, m_changes); }
  void put(const std::string& path, const std::string& content) { m_root.write(path, content); }
  void entry(const std::string& path, const std::string& lines) {
    put(path, "title x\noptions root=UUID=y\n" + lines);
  }

  const std::string k_old_image = cpio({"by-uuid/" + k_old_id});
  const std::string k_new_image = cpio({"by-uuid/another"});

 private:
  TempDir m_temp{std::filesystem::temp_directory_path(), "vmconvert-ids"};
  FolderRoot m_root{m_temp.path()};
  model::IdChanges m_changes = {{model::IdKind::filesystem, "vda2", "ext4", k_old_id,
                                 "9f8e7d6c-aaaa-4bbb-8ccc-ddddeeeeffff"}};
};

TEST_F(InitramfsIds, AreFoundInTheImagesOfSystemdBootsEntries) {
  for (const std::string mountpoint : {"/boot/efi", "/efi"}) {
    entry(mountpoint + "/loader/entries/m-6.1.conf",
          "linux /m/6.1/linux\ninitrd /ucode.img\ninitrd \\m\\6.1\\initrd\n");
    entry(mountpoint + "/loader/entries/m-6.2.conf", "linux /m/6.2/linux\ninitrd /m/6.2/initrd\n");
    put(mountpoint + "/m/6.1/initrd", k_old_image);
    put(mountpoint + "/m/6.2/initrd", k_new_image);
    put(mountpoint + "/ucode.img", k_new_image);
  }
  EXPECT_THAT(found(), ElementsAre("/boot/efi/m/6.1/initrd", "/efi/m/6.1/initrd"));
  EXPECT_THAT(findings(), SizeIs(2));
}

TEST_F(InitramfsIds, AreFoundOnceInAnImageThatTwoPlacesKnow) {
  put("/boot/initramfs-linux.img", k_old_image);
  for (const char* name : {"arch.conf", "rescue.conf"}) {
    entry(std::string("/boot/loader/entries/") + name,
          "linux /vmlinuz-linux\ninitrd /initramfs-linux.img\n");
  }
  EXPECT_THAT(found(), ElementsAre("/boot/initramfs-linux.img"));
}

TEST_F(InitramfsIds, AreFoundInsideOfUnifiedImages) {
  put("/efi/EFI/Linux/old.efi", make_uki("6.9.7", k_old_image, "root=UUID=y"));
  put("/efi/EFI/Linux/new.efi", make_uki("6.9.7", k_new_image, "root=UUID=y"));
  put("/efi/EFI/Linux/none.efi", make_uki("6.9.7", "", "root=UUID=" + k_old_id));
  put("/efi/EFI/BOOT/BOOTX64.EFI", make_uki("6.9.7", k_old_image, "root=UUID=y"));
  entry("/efi/loader/entries/named.conf", "efi /EFI/mine/named.efi\n");
  put("/efi/EFI/mine/named.efi", make_uki("6.9.7", k_old_image, ""));
  EXPECT_THAT(found(), ElementsAre("/efi/EFI/mine/named.efi", "/efi/EFI/Linux/old.efi",
                                   "/efi/EFI/BOOT/BOOTX64.EFI"));
  EXPECT_THAT(findings()[1].message, HasSubstr("in /efi/EFI/Linux/old.efi"));
}

TEST_F(InitramfsIds, AreNotLookedForInWhatIsNoImage) {
  put("/efi/EFI/Linux/garbage.efi", "MZ garbage " + k_old_id);
  put("/efi/EFI/Linux/damaged.efi", make_uki("6.9.7", "no archive", ""));
  put("/efi/loader/entries/large.conf", std::string(1U << 20U, '#'));
  entry("/efi/loader/entries/missing.conf", "linux /linux\ninitrd /missing\n");
  entry("/efi/loader/entries/folder.conf", "linux /linux\ninitrd /EFI\n");
  entry("/efi/loader/entries/plain.conf", "linux /linux\ninitrd /loader/entries/plain.conf\n");
  entry("/efi/loader/entries/no-entry.txt", "linux /linux\ninitrd /image\n");
  put("/efi/image", k_old_image);
  EXPECT_THAT(found(), IsEmpty());
}

TEST_F(InitramfsIds, AreLookedForInSoManyImagesOnly) {
  for (int i = 0; i < 40; ++i) {
    const std::string name = std::to_string(i);
    put("/efi/EFI/Linux/" + name + ".efi", make_uki("6.9.7", k_old_image, ""));
    put("/efi/" + name + ".img", k_old_image);
    entry("/efi/loader/entries/" + name + ".conf", "linux /linux\ninitrd /" + name + ".img\n");
  }
  EXPECT_THAT(found(), SizeIs(16));
}

}  // namespace
}  // namespace vmconvert::guest
