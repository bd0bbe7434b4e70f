#include "boot_files.hpp"
#include "fixer_testing.hpp"

namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using vmconvert::boot_files::make_uki;

const std::string k_old_uuid = "0a1b2c3d-1111-4222-8333-444455556666";
const std::string k_new_uuid = "9f8e7d6c-aaaa-4bbb-8ccc-ddddeeeeffff";

class NewUuidsFixer : public FixerTest {
 protected:
  void change(const std::string& kind, const std::string& device, const std::string& from,
              const std::string& to) {
    facts["new_ids"].push_back(
        {{"kind", kind}, {"device", device}, {"type", "ext4"}, {"from", from}, {"to", to}});
  }
  std::vector<std::string> watched() {
    std::vector<std::string> values;
    for (const auto& one : result.watched) {
      values.push_back(one.value);
    }
    return values;
  }
};

TEST_F(NewUuidsFixer, ChangesNothingWithoutNewIds) {
  put("/etc/fstab", "UUID=" + k_old_uuid + " / ext4 defaults 0 1\n");
  fix("new-uuids");
  EXPECT_THAT(edits_now(), IsEmpty());
  EXPECT_THAT(watched(), IsEmpty());
}

TEST_F(NewUuidsFixer, FollowsAFilesystemThroughAllFilesThatNameIt) {
  change("filesystem", "vda2", k_old_uuid, k_new_uuid);
  const std::vector<std::pair<std::string, std::string>> files = {
      {"/etc/fstab",
       "# " + k_old_uuid + "\nUUID=\"" + k_old_uuid + "\"\t/ ext4 errors=remount-ro 0 1\n"},
      {"/etc/crypttab", "swap /dev/disk/by-uuid/" + k_old_uuid + " /dev/urandom swap\n"},
      {"/boot/grub/grub.cfg", "search --no-floppy --fs-uuid --set=root " + k_old_uuid +
                                  "\nlinux /vmlinuz root=UUID=" + k_old_uuid + " ro\n"},
      {"/boot/grub/menu.lst",
       "# kopt=root=UUID=" + k_old_uuid + " ro\r\nuuid " + k_old_uuid + "\n"},
      {"/boot/loader/entries/a-5.14.conf", "options root=UUID=" + k_old_uuid + "\n"},
      {"/boot/extlinux/extlinux.conf", "append root=UUID=" + k_old_uuid + "\n"},
      {"/etc/default/grub", "GRUB_CMDLINE_LINUX=\"resume=UUID=" + k_old_uuid + "\"\n"},
      {"/etc/initramfs-tools/conf.d/resume", "RESUME=UUID=" + k_old_uuid},
      {"/etc/systemd/system/srv.mount", "[Mount]\nWhat=/dev/disk/by-uuid/" + k_old_uuid + "\n"}};
  for (const auto& [path, text] : files) {
    put(path, text);
  }
  fix("new-uuids");
  for (const auto& [path, text] : files) {
    EXPECT_EQ(get(path), vmconvert::replace_all(text, k_old_uuid, k_new_uuid)) << path;
  }
}

TEST_F(NewUuidsFixer, KeepsTheSizeOfGrubenvAndWhatIsNoText) {
  change("filesystem", "vda2", k_old_uuid, k_new_uuid);
  std::string env = "# GRUB Environment Block\nkernelopts=root=UUID=" + k_old_uuid + " ro\n";
  env.resize(1024, '#');
  put("/boot/grub2/grubenv", env);
  put("/etc/default/grub", std::string("x\0UUID=", 7) + k_old_uuid);
  put("/etc/fstab.bak", k_old_uuid);
  fix("new-uuids");
  EXPECT_EQ(get("/boot/grub2/grubenv").size(), 1024U);
  EXPECT_THAT(get("/boot/grub2/grubenv"), HasSubstr("root=UUID=" + k_new_uuid));
  EXPECT_EQ(get("/etc/default/grub"), std::string("x\0UUID=", 7) + k_old_uuid);
  EXPECT_EQ(get("/etc/fstab.bak"), k_old_uuid);
}

TEST_F(NewUuidsFixer, WritesUpperCaseAsItWas) {
  change("partition", "vda2", "abcdef01-2345-4678-89ab-cdef01234567",
         "fedcba98-7654-4321-8765-abcdefabcdef");
  put("/etc/fstab", "PARTUUID=ABCDEF01-2345-4678-89AB-CDEF01234567 /srv ext4 defaults 0 2\n");
  fix("new-uuids");
  EXPECT_EQ(get("/etc/fstab"),
            "PARTUUID=FEDCBA98-7654-4321-8765-ABCDEFABCDEF /srv ext4 defaults 0 2\n");
}

TEST_F(NewUuidsFixer, TakesAShortIdOnlyWhereItStandsAlone) {
  change("disk", "vda", "1f2e3d4c", "aaaabbbb");
  change("partition", "vda1", "1f2e3d4c-01", "aaaabbbb-01");
  put("/etc/fstab",
      "PARTUUID=1f2e3d4c-01 / ext4\nPARTUUID=1f2e3d4c-011 /a ext4\n"
      "UUID=1f2e3d4c-0123-4567-89ab-cdefcdefcdef /b ext4\nLABEL=1f2e3d4c /c ext4\n");
  fix("new-uuids");
  EXPECT_EQ(get("/etc/fstab"),
            "PARTUUID=aaaabbbb-01 / ext4\nPARTUUID=1f2e3d4c-011 /a ext4\n"
            "UUID=1f2e3d4c-0123-4567-89ab-cdefcdefcdef /b ext4\nLABEL=1f2e3d4c /c ext4\n");
}

TEST_F(NewUuidsFixer, KnowsHowLvmAndMdadmWriteTheirs) {
  change("physical-volume", "vdb", "AbCdEf-1111-2222-3333-4444-5555-666666",
         "ZyXwVu-aaaa-bbbb-cccc-dddd-eeee-ffffff");
  change("array", "vdc1", "12345678-9abc-def0-1234-56789abcdef0",
         "0fedcba9-8765-4321-0fed-cba987654321");
  put("/etc/lvm/devices/system.devices",
      "IDTYPE=devname DEVNAME=/dev/vdb PVID=AbCdEf11112222333344445555666666\n");
  put("/etc/mdadm/mdadm.conf", "ARRAY /dev/md0 UUID=12345678:9abcdef0:12345678:9abcdef0\n");
  fix("new-uuids");
  EXPECT_EQ(get("/etc/lvm/devices/system.devices"),
            "IDTYPE=devname DEVNAME=/dev/vdb PVID=ZyXwVuaaaabbbbccccddddeeeeffffff\n");
  EXPECT_EQ(get("/etc/mdadm/mdadm.conf"),
            "ARRAY /dev/md0 UUID=0fedcba9:87654321:0fedcba9:87654321\n");
}

TEST_F(NewUuidsFixer, HasTheOldOnesLookedForAfterwards) {
  change("filesystem", "vda2", k_old_uuid, k_new_uuid);
  change("disk", "vda", "1f2e3d4c", "aaaabbbb");
  fix("new-uuids");
  EXPECT_THAT(watched(), Contains(k_old_uuid));
  EXPECT_THAT(watched(), Contains("0a1b2c3d\\x2d1111\\x2d4222\\x2d8333\\x2d444455556666"));
  EXPECT_THAT(watched(), testing::Not(Contains("1f2e3d4c")));
  EXPECT_EQ(result.watched.front().finding.id, "uuid-left");
}

// As far as anybody reads a program: where its header is, 64 bits, whether it has certificates.
std::string program(const std::string& content, bool is_signed) {
  std::string bytes(512, '\0');
  bytes.replace(0, 2, "MZ");
  bytes[0x3c] = 0x40;
  bytes.replace(0x40, 2, "PE");
  bytes[0x40 + 24] = 0x0b;
  bytes[0x40 + 25] = 0x02;
  bytes[0x40 + 24 + 112 + 4 * 8 + 4] = is_signed ? 1 : 0;
  return bytes + content;
}

TEST_F(NewUuidsFixer, CorrectsWhatTheEfiPartitionHas) {
  change("filesystem", "vda2", k_old_uuid, k_new_uuid);
  change("filesystem", "vda1", "EF12-0001", "0A1B-F2C3");
  put("/etc/fstab", "UUID=EF12-0001 /boot/efi vfat umask=0077 0 1\n");
  put("/boot/efi/EFI/debian/grub.cfg", "search.fs_uuid " + k_old_uuid + " root hd0,gpt2\n");
  put("/boot/efi/EFI/debian/grubx64.efi",
      program("search.fs_uuid " + k_old_uuid + " root\n" + '\0' + "modules", false));
  put("/boot/efi/EFI/debian/shimx64.efi", program("no name", true));
  fix("new-uuids");
  EXPECT_THAT(findings_now(), IsEmpty());
  EXPECT_EQ(get("/etc/fstab"), "UUID=0A1B-F2C3 /boot/efi vfat umask=0077 0 1\n");
  EXPECT_EQ(get("/boot/efi/EFI/debian/grub.cfg"),
            "search.fs_uuid " + k_new_uuid + " root hd0,gpt2\n");
  EXPECT_EQ(get("/boot/efi/EFI/debian/grubx64.efi"),
            program("search.fs_uuid " + k_new_uuid + " root\n" + '\0' + "modules", false));
  EXPECT_EQ(get("/boot/efi/EFI/debian/shimx64.efi"), program("no name", true));
}

TEST_F(NewUuidsFixer, LeavesASignedProgramAndRefuses) {
  change("filesystem", "vda2", k_old_uuid, k_new_uuid);
  const std::string kernel = program("root=UUID=" + k_old_uuid + " ro", true);
  put("/efi/EFI/Linux/arch.efi", kernel);
  fix("new-uuids");
  EXPECT_THAT(findings_now(), Contains("uuid-uefi blocks"));
  EXPECT_EQ(get("/efi/EFI/Linux/arch.efi"), kernel);
}

TEST_F(NewUuidsFixer, FollowsSystemdBootsFilesToAllPlaces) {
  change("filesystem", "vda2", k_old_uuid, k_new_uuid);
  const std::string text = "options root=UUID=" + k_old_uuid + " ro\n";
  std::vector<std::string> files = {"/etc/kernel/cmdline", "/etc/kernel/uki.conf",
                                    "/etc/cmdline.d/root.conf"};
  for (const std::string partition : {"/boot/efi", "/efi", "/boot"}) {
    files.push_back(partition + "/loader/loader.conf");
    files.push_back(partition + "/loader/entries/m-6.1.conf");
  }
  for (const std::string& path : files) {
    put(path, text);
  }
  fix("new-uuids");
  for (const std::string& path : files) {
    EXPECT_EQ(get(path), vmconvert::replace_all(text, k_old_uuid, k_new_uuid)) << path;
  }
}

TEST_F(NewUuidsFixer, CorrectsTheArgumentsInUnifiedImagesAndTheirAddOns) {
  change("filesystem", "vda2", k_old_uuid, k_new_uuid);
  const auto image = [](const std::string& uuid) {
    return make_uki("6.9.7", "no archive", "root=UUID=" + uuid + " rw");
  };
  const std::vector<std::string> files = {"/efi/EFI/Linux/arch.efi",
                                          "/efi/EFI/Linux/arch.efi.extra.d/resume.addon.efi",
                                          "/boot/efi/loader/addons/all.addon.efi"};
  for (const std::string& path : files) {
    put(path, image(k_old_uuid));
  }
  fix("new-uuids");
  EXPECT_THAT(findings_now(), IsEmpty());
  for (const std::string& path : files) {
    EXPECT_EQ(get(path), image(k_new_uuid)) << path;
  }
}

TEST_F(NewUuidsFixer, BlocksWhereASignedUnifiedImageNamesAnOldUuid) {
  change("filesystem", "vda2", k_old_uuid, k_new_uuid);
  const std::string image =
      make_uki("6.9.7", "", "root=UUID=" + k_old_uuid + " rw", "ID=arch\n", true);
  put("/efi/EFI/Linux/arch.efi", image);
  fix("new-uuids");
  EXPECT_THAT(findings_now(), ElementsAre("uuid-uefi blocks"));
  EXPECT_EQ(get("/efi/EFI/Linux/arch.efi"), image);
}

}  // namespace
