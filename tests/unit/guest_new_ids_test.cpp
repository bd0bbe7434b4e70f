#include "guest/new_ids.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/temp_dir.hpp"
#include "base/text.hpp"
#include "boot_files.hpp"
#include "guest/boot_path_steps.hpp"
#include "guest/device_names.hpp"
#include "guest/folder_root.hpp"
#include "guest/lvm_ids.hpp"
#include "guest/table_ids.hpp"

namespace vmconvert::guest {
namespace {

namespace fs = std::filesystem;
using model::IdKind;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::size_t k_test_sector = 512;
constexpr std::size_t k_disk_size = 1U << 20U;

std::uint32_t crc32_by_bits(const std::string& text) {
  std::uint32_t crc = ~0U;
  for (const char byte : text) {
    crc ^= static_cast<unsigned char>(byte);
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? 0xedb88320U : 0U);
    }
  }
  return ~crc;
}

void put_le(std::string& bytes, std::size_t at, std::uint64_t value, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) {
    bytes[at + i] = static_cast<char>(value >> (8 * i));
  }
}

// A disk with two partitions and a GPT at either end.
std::string disk_with_gpt() {
  std::string disk(k_disk_size, '\0');
  disk[450] = static_cast<char>(0xee);
  put_le(disk, 510, 0xaa55, 2);
  std::string entries(128 * 128, '\0');
  for (std::size_t i = 0; i < 2; ++i) {
    entries.replace(i * 128, 16, std::string(16, 'T'));
    entries.replace(i * 128 + 16, 16, std::string(16, static_cast<char>('1' + i)));
  }
  const std::size_t last = k_disk_size / k_test_sector - 1;
  for (const auto& [own, other, place] :
       {std::tuple<std::size_t, std::size_t, std::size_t>{1, last, 2}, {last, 1, last - 32}}) {
    std::string header = "EFI PART";
    header.resize(k_test_sector, '\0');
    put_le(header, 12, 92, 4);
    put_le(header, 24, own, 8);
    put_le(header, 32, other, 8);
    header.replace(56, 16, std::string(16, 'D'));
    put_le(header, 72, place, 8);
    put_le(header, 80, 128, 4);
    put_le(header, 84, 128, 4);
    put_le(header, 88, crc32_by_bits(entries), 4);
    put_le(header, 16, crc32_by_bits(header.substr(0, 92)), 4);
    disk.replace(own * k_test_sector, k_test_sector, header);
    disk.replace(place * k_test_sector, entries.size(), entries);
  }
  return disk;
}

std::string disk_with_mbr(std::uint32_t signature) {
  std::string disk(k_disk_size, '\0');
  put_le(disk, 440, signature, 4);
  put_le(disk, 510, 0xaa55, 2);
  return disk;
}

struct GuestWithIds {
  TempDir temp{fs::temp_directory_path(), "vmconvert-test"};
  FolderRoot root{temp.path(), {{"vda", temp.path() / "vda"}, {"vda2", temp.path() / "vda2"}}};
  model::GuestFacts facts;
  model::Layout layout;

  explicit GuestWithIds(const std::string& disk = disk_with_mbr(0x1f2e3d4c),
                        model::TableKind table = model::TableKind::mbr) {
    root.write("/vda", disk);
    model::TargetDisk vda;
    vda.name = "vda";
    vda.size = {k_disk_size};
    vda.table = table;
    vda.partitions = {{1, {4096}, {4096}}, {2, {8192}, {8192}}};
    layout.disks = {vda};
    facts.filesystems = {{"vda1", "swap", "11111111-0000-4000-8000-000000000001", "", {}, ""},
                         {"vda2", "ext4", "22222222-0000-4000-8000-000000000002", "", {}, "/"}};
  }
  NewIds choose() {
    return choose_new_ids(root, facts, layout, [](const std::vector<std::string>& parts) {
      return fmt::format("{:08x}-0123-4567-89ab-{:012x}", crc32_by_bits(join(parts, "|")), 7);
    });
  }
};

TEST(NewIds, AreChosenForFilesystemsTableAndPartitions) {
  GuestWithIds guest;
  const NewIds ids = guest.choose();
  EXPECT_THAT(ids.kept, IsEmpty());
  ASSERT_THAT(ids.changes, SizeIs(5));
  EXPECT_EQ(ids.changes[0].device, "vda1");
  EXPECT_EQ(ids.changes[1].from, "22222222-0000-4000-8000-000000000002");
  EXPECT_NE(ids.changes[0].to, ids.changes[1].to);
  EXPECT_EQ(ids.changes[2].kind, IdKind::disk);
  EXPECT_EQ(ids.changes[2].from, "1f2e3d4c");
  EXPECT_EQ(ids.changes[3].kind, IdKind::partition);
  EXPECT_EQ(ids.changes[3].from, "1f2e3d4c-01");
  EXPECT_EQ(ids.changes[4].to, ids.changes[2].to + "-02");
  EXPECT_EQ(guest.choose().changes, ids.changes);
  for (const model::IdChange& change : ids.changes) {
    EXPECT_NE(change.from, change.to);
    EXPECT_EQ(change.from.size(), change.to.size());
  }
}

TEST(NewIds, AreSetInAnMbr) {
  GuestWithIds guest;
  const NewIds ids = guest.choose();
  set_table_ids(guest.root, guest.layout.disks[0], ids.changes);
  EXPECT_EQ(table_id(guest.root, guest.layout.disks[0]), ids.changes[2].to);
  EXPECT_EQ(partition_uuid(guest.root, "vda", 2), ids.changes[4].to);
  std::string expected =
      disk_with_mbr(static_cast<std::uint32_t>(std::stoul(ids.changes[2].to, nullptr, 16)));
  EXPECT_EQ(guest.root.read_disk("vda", 0, k_disk_size), expected);
}

TEST(NewIds, AreSetInBothHeadersOfAGpt) {
  GuestWithIds guest(disk_with_gpt(), model::TableKind::gpt);
  const NewIds ids = guest.choose();
  ASSERT_THAT(ids.changes, SizeIs(5));
  EXPECT_EQ(ids.changes[2].from, "44444444-4444-4444-4444-444444444444");
  EXPECT_EQ(ids.changes[3].from, "31313131-3131-3131-3131-313131313131");
  set_table_ids(guest.root, guest.layout.disks[0], ids.changes);
  // Read with its checksums: were one wrong, there would be no table.
  EXPECT_EQ(table_id(guest.root, guest.layout.disks[0]), ids.changes[2].to);
  EXPECT_EQ(partition_uuid(guest.root, "vda", 1), ids.changes[3].to);
  EXPECT_EQ(partition_uuid(guest.root, "vda", 2), ids.changes[4].to);
  const std::string disk = guest.root.read_disk("vda", 0, k_disk_size);
  const std::size_t last = k_disk_size - k_test_sector;
  EXPECT_EQ(disk.substr(2 * k_test_sector, 128 * 128),
            disk.substr(last - 32 * k_test_sector, 128 * 128));
  EXPECT_EQ(disk.substr(k_test_sector + 56, 16), disk.substr(last + 56, 16));
  std::string header = disk.substr(last, 92);
  const std::string sum = header.substr(16, 4);
  put_le(header, 16, 0, 4);
  std::string wanted(4, '\0');
  put_le(wanted, 0, crc32_by_bits(header), 4);
  EXPECT_EQ(sum, wanted);
}

TEST(NewIds, LeaveADamagedTableAlone) {
  std::string disk = disk_with_gpt();
  disk[2 * k_test_sector + 5] = 'x';
  GuestWithIds guest(disk, model::TableKind::gpt);
  EXPECT_THAT(guest.choose().changes, SizeIs(2));
  GuestWithIds unsigned_guest(disk_with_mbr(0));
  EXPECT_THAT(unsigned_guest.choose().changes, SizeIs(2));
}

TEST(NewIds, SayWhatKeepsItsOwn) {
  GuestWithIds guest;
  guest.facts.filesystems.push_back({"vdb1", "ntfs", "ABCD-1234", "", {}, "/efi"});
  guest.facts.filesystems.push_back({"vdb2", "unknown", "", "", {}, ""});
  guest.facts.filesystems.push_back(
      {"vdb3", "ext4", "22222222-0000-4000-8000-000000000002", "", {}, ""});
  const NewIds ids = guest.choose();
  EXPECT_THAT(ids.changes, SizeIs(4));  // swap, table, two partitions
  ASSERT_THAT(ids.kept, SizeIs(3));
  EXPECT_EQ(ids.kept[0].id, "uuid-kept");
  EXPECT_THAT(ids.kept[0].message, HasSubstr("vda2 (ext4)"));
  EXPECT_THAT(ids.kept[1].message, HasSubstr("vdb1 (ntfs)"));
  EXPECT_THAT(ids.kept[2].message, HasSubstr("vdb3 (ext4)"));
}

// The superblock's part that says how many devices there are, and which this is.
std::string btrfs_device(std::uint64_t devices, std::uint64_t number) {
  std::string bytes((64U << 10U) + 4096, '\0');
  const std::size_t block = 64U << 10U;
  bytes.replace(block + 0x40, 8, "_BHRfS_M");
  put_le(bytes, block + 0x88, devices, 8);
  put_le(bytes, block + 0xc9, number, 8);
  return bytes;
}

TEST(NewIds, AreOneForABtrfsOnTwoDevicesButNotForTwoCopies) {
  TempDir temp(fs::temp_directory_path(), "vmconvert-test");
  FolderRoot root(temp.path(), {{"vda1", temp.path() / "vda1"}, {"vdb1", temp.path() / "vdb1"}});
  model::GuestFacts facts;
  facts.filesystems = {{"vda1", "btrfs", "11111111-0000-4000-8000-000000000001", "", {}, "/"},
                       {"vdb1", "btrfs", "11111111-0000-4000-8000-000000000001", "", {}, ""}};
  const auto choose = [&](std::uint64_t second) {
    root.write("/vda1", btrfs_device(2, 1));
    root.write("/vdb1", btrfs_device(2, second));
    return choose_new_ids(root, facts, {}, [](const std::vector<std::string>&) {
      return std::string("22222222-0000-4000-8000-000000000002");
    });
  };
  const NewIds copies = choose(1);
  EXPECT_THAT(copies.changes, IsEmpty());
  EXPECT_THAT(copies.kept, SizeIs(2));
  const NewIds ids = choose(2);
  EXPECT_THAT(ids.kept, IsEmpty());
  ASSERT_THAT(ids.changes, SizeIs(1));
  EXPECT_EQ(ids.changes[0].device, "vda1");
  use_new_ids(facts, ids.changes);
  EXPECT_EQ(facts.filesystems[1].uuid, ids.changes[0].to);
}

TEST(NewIds, KeepTheUuidOfAFatWithoutOne) {
  GuestWithIds guest;
  guest.facts.filesystems[1] = {"vda2", "vfat", "ABCD-1234", "", {}, "/boot/efi"};
  guest.root.write("/vda2", std::string(k_test_sector, '\0'));
  const NewIds ids = guest.choose();
  ASSERT_THAT(ids.kept, SizeIs(1));
  EXPECT_THAT(ids.kept[0].message, HasSubstr("vda2 (vfat)"));
  EXPECT_TRUE(sees_efi_partition(guest.facts));
  guest.facts.filesystems[1].mountpoint.clear();
  EXPECT_FALSE(sees_efi_partition(guest.facts));
}

TEST(NewIds, KeepTheUuidOfAnXfsThatTheKernelCouldNotMount) {
  GuestWithIds guest;
  guest.facts.filesystems[1].type = "xfs";
  guest.facts.kernels = {{"4.19.0-1", "/boot/vmlinuz-4.19.0-1", "", true},
                         {"3.16.0-4", "/boot/vmlinuz-3.16.0-4", "", true}};
  std::string block(k_test_sector, '\0');
  block.replace(0, 4, "XFSB");
  block[100] = static_cast<char>(0xb4);
  block[101] = static_cast<char>(0xa5);  // with checksums
  guest.root.write("/vda2", block);
  EXPECT_THAT(guest.choose().kept, SizeIs(1));
  EXPECT_THAT(guest.choose().kept[0].message, HasSubstr("3.16.0-4"));
  guest.facts.kernels.pop_back();
  EXPECT_THAT(guest.choose().kept, IsEmpty());
  guest.facts.kernels[0].version = "3.2.0";
  block[101] = static_cast<char>(0xb4);  // without
  guest.root.write("/vda2", block);
  EXPECT_THAT(guest.choose().kept, IsEmpty());
}

TEST(NewIds, AreUsedInFactsArgumentsAndPlan) {
  GuestWithIds guest;
  const NewIds ids = guest.choose();
  use_new_ids(guest.facts, ids.changes);
  EXPECT_EQ(guest.facts.filesystems[1].uuid, ids.changes[1].to);
  EXPECT_EQ(with_new_ids("root=UUID=22222222-0000-4000-8000-000000000002 ro", ids.changes),
            "root=UUID=" + ids.changes[1].to + " ro");
  EXPECT_EQ(with_new_ids("x=1f2e3d4c", ids.changes), "x=1f2e3d4c");
  const model::Edits edits = edits_of(ids.changes);
  ASSERT_THAT(edits, SizeIs(5));
  EXPECT_EQ(edits[1].path, "vda2");
  EXPECT_EQ(edits[1].diff,
            "filesystem (ext4): 22222222-0000-4000-8000-000000000002 -> " + ids.changes[1].to);
}

TEST(NewIds, AreMissedInAnInitramfsThatNamesAnOldOne) {
  GuestWithIds guest;
  const NewIds ids = guest.choose();
  guest.root.write("/boot/initrd-6.1", boot_files::cpio({"by-uuid/" + ids.changes[0].from}));
  guest.root.write("/boot/initrd-5.1", boot_files::cpio({"by-uuid/" + ids.changes[0].to}));
  guest.root.write("/boot/initramfs-garbage.img", "x");
  const model::Findings found = old_ids_in_initramfs(guest.root, ids.changes);
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0].id, "uuid-left");
  EXPECT_THAT(found[0].message, HasSubstr("/boot/initrd-6.1"));
}

// LVM's checksum, by its definition: CRC-32 from a number of its own, without the last step.
std::uint32_t lvm_crc_by_bits(const std::string& text) {
  std::uint32_t crc = 0xf597a6cf;
  for (const char byte : text) {
    crc ^= static_cast<unsigned char>(byte);
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? 0xedb88320U : 0U);
    }
  }
  return crc;
}

constexpr std::size_t k_area = 4096;
constexpr std::size_t k_area_size = 8192;
constexpr const char* k_pv = "abcdef-GHIJ-KLmn-opQR-STuv-wxYZ-012345";
constexpr const char* k_vg = "0BJY1D-xH0H-Hs3g-lGpZ-SSfH-jXG0-pU7yXU";
const std::string k_group_text =
    std::string("data {\nid = \"") + k_vg + "\"\nphysical_volumes {\npv0 {\nid = \"" + k_pv +
    "\"\n}\n}\nlogical_volumes {\nlv {\nid = \"VVVVVV-1111-2222-3333-4444-5555-666666\"\n}\n}\n}\n";

// A physical volume whose text begins at `offset` of its metadata area, a ring.
std::string volume_image(std::size_t offset) {
  std::string bytes(64 * 1024, '\0');
  bytes.replace(512, 8, "LABELONE");
  put_le(bytes, 512 + 8, 1, 8);
  put_le(bytes, 512 + 20, 32, 4);
  bytes.replace(512 + 24, 8, "LVM2 001");
  bytes.replace(544, 32, replace_all(k_pv, "-", ""));
  put_le(bytes, 576, bytes.size(), 8);
  put_le(bytes, 584, 32 * 1024, 8);
  put_le(bytes, 616, k_area, 8);
  put_le(bytes, 624, k_area_size, 8);
  put_le(bytes, 512 + 16, lvm_crc_by_bits(bytes.substr(512 + 20, 512 - 20)), 4);
  bytes.replace(k_area + 4, 16, " LVM2 x[5A%r0N*>");
  put_le(bytes, k_area + 20, 1, 4);
  put_le(bytes, k_area + 24, k_area, 8);
  put_le(bytes, k_area + 32, k_area_size, 8);
  put_le(bytes, k_area + 40, offset, 8);
  put_le(bytes, k_area + 48, k_group_text.size(), 8);
  put_le(bytes, k_area + 56, lvm_crc_by_bits(k_group_text), 4);
  put_le(bytes, k_area, lvm_crc_by_bits(bytes.substr(k_area + 4, 508)), 4);
  for (std::size_t i = 0; i < k_group_text.size(); ++i) {
    const std::size_t at = offset + i;
    bytes[k_area + (at < k_area_size ? at : at - k_area_size + 512)] = k_group_text[i];
  }
  return bytes;
}

struct LvmGuest : GuestWithIds {
  LvmGuest() : GuestWithIds(disk_with_mbr(0)) {
    facts.filesystems[1] = {"vda2", "LVM2_member", k_pv, "", {}, ""};
    root.write("/vda2", volume_image(512));
  }
};

TEST(NewIds, AreWrittenIntoLvmsLabelAndText) {
  for (const std::size_t offset : {std::size_t{512}, k_area_size - 60}) {
    LvmGuest guest;
    guest.root.write("/vda2", volume_image(offset));
    const NewIds ids = guest.choose();
    EXPECT_THAT(ids.kept, IsEmpty());
    ASSERT_THAT(ids.changes, SizeIs(3));
    EXPECT_EQ(ids.changes[1].kind, IdKind::physical_volume);
    EXPECT_EQ(ids.changes[2].kind, IdKind::volume_group);
    EXPECT_EQ(ids.changes[2].device, "data");
    EXPECT_EQ(ids.changes[2].from, k_vg);
    EXPECT_EQ(ids.changes[2].to.size(), std::string(k_vg).size());
    set_lvm_ids(guest.root, "vda2", ids.changes);
    // Read with all checksums.
    const auto now = read_lvm_ids(guest.root, "vda2");
    ASSERT_TRUE(now);
    EXPECT_EQ(now->volume, ids.changes[1].to);
    EXPECT_EQ(now->group, ids.changes[2].to);
    const std::string bytes = guest.root.read_disk("vda2", 0, 64 * 1024);
    EXPECT_EQ(bytes.find(replace_all(k_pv, "-", "")), std::string::npos);
    const std::string label = bytes.substr(512, 512);
    std::string sum(4, '\0');
    put_le(sum, 0, lvm_crc_by_bits(label.substr(20)), 4);
    EXPECT_EQ(label.substr(16, 4), sum);
  }
}

TEST(BootPathOnLvm, GrubsNameOfAVolumeByItsIdsIsUnderstood) {
  LvmGuest guest;
  guest.facts.filesystems.push_back({"data/lv", "ext4", "u", "", {}, "/"});
  const BootWalk walk{guest.root, guest.facts, guest.layout, model::TargetHypervisor::kvm};
  const std::string volume = "VVVVVV-1111-2222-3333-4444-5555-666666";
  const std::string group = k_vg;
  const model::Filesystem* found = filesystem_of_grub(walk, "(lvmid/" + group + "/" + volume + ")");
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->device, "data/lv");
  EXPECT_EQ(path_in_guest(walk, "lvmid/" + group + "/" + volume, "/boot/grub"), "/boot/grub");
  for (const std::string& other :
       {"lvmid/" + group + "/" + group, "lvmid/" + volume + "/" + volume, "lvmid/" + group + "/",
        "lvmid/" + group + "/" + k_pv, "lvmid/" + group, std::string("lvmid/")}) {
    EXPECT_EQ(filesystem_of_grub(walk, other), nullptr) << other;
  }
  std::string bytes = volume_image(512);
  bytes[k_area + 512 + 3] = 'x';
  guest.root.write("/vda2", bytes);
  EXPECT_EQ(filesystem_of_grub(walk, "lvmid/" + group + "/" + volume), nullptr);
}

TEST(NewIds, KeepLvmWhoseTextIsDamaged) {
  LvmGuest guest;
  std::string bytes = volume_image(512);
  bytes[k_area + 512 + 3] = 'x';
  guest.root.write("/vda2", bytes);
  const NewIds ids = guest.choose();
  EXPECT_THAT(ids.changes, SizeIs(1));
  ASSERT_THAT(ids.kept, SizeIs(1));
  EXPECT_THAT(ids.kept[0].message, HasSubstr("vda2 (LVM2_member)"));
}

TEST(NewIds, KeepTheGroupThatGrubFindsItsFilesIn) {
  LvmGuest guest;
  guest.facts.loader = "grub2";
  guest.facts.menu = "/boot/grub/grub.cfg";
  guest.root.write(guest.facts.menu, std::string("set root='lvmid/") + k_vg + "/VVVVVV'\n");
  const NewIds ids = guest.choose();
  EXPECT_THAT(ids.changes, SizeIs(2));
  ASSERT_THAT(ids.kept, SizeIs(1));
  EXPECT_THAT(ids.kept[0].message, HasSubstr("data (volume group)"));
}

}  // namespace
}  // namespace vmconvert::guest
