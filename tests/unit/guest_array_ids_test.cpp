// Superblocks are made here, and read by mdadm and blkid: what they say counts.
#include "guest/array_ids.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/subprocess.hpp"
#include "base/temp_dir.hpp"
#include "base/units.hpp"
#include "guest/arrays.hpp"
#include "guest/folder_root.hpp"
#include "guest/new_ids.hpp"
#include "guest/raw_bytes.hpp"

namespace vmconvert::guest {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

constexpr std::size_t k_member_size = 4U << 20U;
constexpr const char* k_old = "01234567-89ab-cdef-0011-223344556677";
constexpr const char* k_new = "fedcba98-7654-3210-a0b1-c2d3e4f5a6b7";

struct Member {
  const char* version;
  std::size_t at;
  std::size_t bitmap;  // 0: none
};
// As md lays them out on a member of 4 MiB.
constexpr Member k_members[] = {
    {"0.90", k_member_size - (64U << 10U), k_member_size - (60U << 10U)},
    {"1.0", k_member_size - 8192, k_member_size - 4096},
    {"1.1", 0, 0},
    {"1.2", 4096, 8192}};

void sum_up(std::string& block, std::size_t length, std::size_t place) {
  put_number(block, place, 4, 0);
  std::uint64_t sum = 0;
  for (std::size_t at = 0; at < length; at += 4) {
    sum += number_at(block, at, 4);
  }
  put_number(block, place, 4, (sum & 0xffffffffU) + (sum >> 32U));
}

std::string first_format_block(bool bitmap) {
  std::string block(4096, '\0');
  const std::pair<std::size_t, std::uint64_t> k_words[] = {{0, 0xa92b4efc},
                                                           {1, 0},
                                                           {2, 90},
                                                           {5, 0x01234567},
                                                           {7, 1},
                                                           {8, 3968},
                                                           {9, 2},
                                                           {10, 2},
                                                           {11, 3},
                                                           {13, 0x89abcdef},
                                                           {14, 0x00112233},
                                                           {15, 0x44556677},
                                                           {33, bitmap ? 0x101 : 1},
                                                           {34, 2},
                                                           {35, 2}};
  for (const auto& [word, value] : k_words) {
    put_number(block, word * 4, 4, value);
  }
  sum_up(block, block.size(), 152);
  return block;
}

std::string later_format_block(std::size_t at, std::size_t bitmap) {
  std::string block(4096, '\0');
  put_number(block, 0, 4, 0xa92b4efc);
  put_number(block, 4, 4, 1);
  put_number(block, 8, 4, bitmap == 0 ? 0 : 1);
  block.replace(
      16, 16,
      "\x01\x23\x45\x67\x89\xab\xcd\xef" + std::string("\0\x11\x22\x33\x44\x55\x66\x77", 8));
  block.replace(32, 6, "host:0");
  put_number(block, 72, 4, 1);
  put_number(block, 80, 8, 4096);
  put_number(block, 92, 4, 2);
  put_number(block, 96, 4, bitmap == 0 ? 0 : (bitmap - at) / 512);
  put_number(block, 128, 8, at == k_member_size - 8192 ? 0 : 2048);
  put_number(block, 136, 8, 4096);
  put_number(block, 144, 8, at / 512);
  put_number(block, 220, 4, 2);
  put_number(block, 258, 2, 1);
  sum_up(block, 260, 216);
  return block;
}

struct MemberFile {
  TempDir temp{fs::temp_directory_path(), "vmconvert-test"};
  FolderRoot root{temp.path(), {{"vda1", temp.path() / "member"}}};
  Member made;

  explicit MemberFile(const Member& member) : made(member) {
    root.write("/member", std::string(k_member_size, '\0'));
    put(member.at, member.version[0] == '0' ? first_format_block(member.bitmap != 0)
                                            : later_format_block(member.at, member.bitmap));
    if (member.bitmap != 0) {
      std::string header = "bitm" + std::string(4092, '\0');
      put_number(header, 4, 4, 4);
      put_number(header, 40, 8, 4096);
      put_number(header, 52, 4, 65536);
      header.replace(8, 16, id_bytes(member.at));
      put(member.bitmap, header);
    }
  }
  void put(std::size_t at, const std::string& bytes) { root.write_disk("vda1", at, bytes); }
  std::string id_bytes(std::size_t at) {
    const std::string block = root.read_disk("vda1", at, 4096);
    return made.version[0] == '0' ? block.substr(20, 4) + block.substr(52, 12)
                                  : block.substr(16, 16);
  }
  [[nodiscard]] std::optional<std::string> id() {
    return read_array_id(root, "vda1", {k_member_size});
  }
  [[nodiscard]] bool set(const std::string& from, const std::string& to) {
    return set_array_id(root, "vda1", {k_member_size}, from, to);
  }
  [[nodiscard]] std::string says(std::vector<std::string> argv) const {
    argv.push_back((temp.path() / "member").string());
    RealCommandRunner runner;
    return runner.run({std::move(argv)}).out;
  }
};

class ArrayIds : public testing::TestWithParam<Member> {};

TEST_P(ArrayIds, AreSetAsMdadmAndBlkidReadThem) {
  MemberFile member(GetParam());
  ASSERT_EQ(member.id(), k_old);
  const std::string whole = member.root.read_disk("vda1", 0, k_member_size);
  ASSERT_TRUE(member.set(k_old, k_new));
  EXPECT_EQ(member.id(), k_new);
  const std::string examined = member.says({"mdadm", "--examine"});
  EXPECT_THAT(examined, HasSubstr("fedcba98:76543210:a0b1c2d3:e4f5a6b7"));
  EXPECT_THAT(examined, HasSubstr("- correct"));
  EXPECT_THAT(member.says({"blkid", "-p", "-o", "value", "-s", "UUID"}), HasSubstr(k_new));
  if (member.made.bitmap != 0) {
    EXPECT_EQ(member.root.read_disk("vda1", member.made.bitmap + 8, 16),
              member.id_bytes(member.made.at));
  }
  ASSERT_TRUE(member.set(k_new, k_old));
  EXPECT_EQ(member.root.read_disk("vda1", 0, k_member_size), whole) << "nothing else was changed";
}

TEST_P(ArrayIds, OfADamagedSuperblockAreNot) {
  MemberFile member(GetParam());
  std::string block = member.root.read_disk("vda1", member.made.at, 4096);
  block[100] = static_cast<char>(block[100] + 1);
  member.put(member.made.at, block);
  EXPECT_EQ(member.id(), std::nullopt);
  EXPECT_FALSE(member.set(k_old, k_new));
}

INSTANTIATE_TEST_SUITE_P(Formats, ArrayIds, testing::ValuesIn(k_members),
                         [](const auto& format) { return fmt::format("Format{}", format.index); });

TEST(ArrayIdsKept, OfAnArrayWithAJournal) {
  MemberFile member({"1.2", 4096, 0});
  std::string block = later_format_block(4096, 0);
  put_number(block, 8, 4, 512);
  sum_up(block, 260, 216);
  member.put(4096, block);
  EXPECT_EQ(member.id(), std::nullopt);
}

TEST(ArrayIdsKept, OfMoreDevicesThanASuperblockHolds) {
  MemberFile member({"1.2", 4096, 0});
  std::string block = later_format_block(4096, 0);
  put_number(block, 220, 4, 0xffffffff);
  member.put(4096, block);
  EXPECT_EQ(member.id(), std::nullopt);
}

TEST(ArrayIdsKept, WhereABitmapWouldLieOutside) {
  for (const std::uint64_t offset : {std::uint64_t{0x7fffffff}, std::uint64_t{0x80000000}}) {
    MemberFile member({"1.2", 4096, 0});
    std::string block = later_format_block(4096, 8192);
    put_number(block, 96, 4, offset);
    sum_up(block, 260, 216);
    member.put(4096, block);
    EXPECT_EQ(member.id(), std::nullopt);
  }
}

struct GuestWithArray {
  MemberFile member{{"1.2", 4096, 0}};
  model::GuestFacts facts;
  model::Layout layout;

  GuestWithArray() {
    facts.filesystems = {{"vda1", "linux_raid_member", k_old, "host:0", {k_member_size}, ""},
                         {"md127", "ext4", "aaaa-1", "", {}, "/"}};
    facts.filesystems[1].array = model::Array{k_old, "raid1", "1.2", {"md0"}};
  }
  NewIds choose() {
    return choose_new_ids(member.root, facts, layout,
                          [](const std::vector<std::string>&) { return std::string(k_new); });
  }
};

TEST(NewIdsOfArrays, AreOneForAllMembers) {
  GuestWithArray guest;
  guest.facts.filesystems.insert(guest.facts.filesystems.begin(), guest.facts.filesystems[0]);
  const NewIds ids = guest.choose();
  ASSERT_THAT(ids.changes, SizeIs(2));
  EXPECT_EQ(ids.changes[0].kind, model::IdKind::array);
  EXPECT_EQ(ids.changes[0].device, "vda1");
  use_new_ids(guest.facts, ids.changes);
  EXPECT_EQ(guest.facts.filesystems[0].uuid, k_new);
  EXPECT_EQ(guest.facts.filesystems[1].uuid, k_new);
  EXPECT_EQ(guest.facts.filesystems[2].array->uuid, k_new);
}

TEST(NewIdsOfArrays, AreNotGivenWhereAMemberIsDamaged) {
  GuestWithArray guest;
  guest.facts.filesystems.push_back(guest.facts.filesystems[0]);
  guest.facts.filesystems[0].size = {1U << 20U};  // where its end is not
  guest.member.put(4096, std::string(4096, '\0'));
  const NewIds ids = guest.choose();
  EXPECT_THAT(ids.changes, SizeIs(1));
  ASSERT_FALSE(ids.kept.empty());
  EXPECT_THAT(ids.kept[0].message, HasSubstr("vda1 (linux_raid_member)"));
}

TEST(NewIdsOfArrays, AreNotGivenWhereGrubFindsItsFilesByTheOld) {
  GuestWithArray guest;
  guest.facts.loader = "grub2";
  guest.facts.menu = "/boot/grub/grub.cfg";
  guest.member.root.write(guest.facts.menu, "set root='mduuid/0123456789abcdef0011223344556677'\n");
  const NewIds ids = guest.choose();
  EXPECT_THAT(ids.changes, SizeIs(1));
  EXPECT_THAT(ids.kept, SizeIs(1));
}

TEST(ArrayNames, AreThoseOfSuperblockAndConfiguration) {
  auto array = array_of_detail({"level", "raid1", "devices", "2", "metadata", "1.2", "uuid",
                                "01234567:89abcdef:00112233:44556677", "name", "host:0"});
  ASSERT_TRUE(array);
  EXPECT_EQ(array->uuid, k_old);
  EXPECT_THAT(array->names, ElementsAre("md0", "md/0"));
  std::vector<model::Filesystem> all(1);
  all[0].array = array;
  name_by_configuration(all,
                        "DEVICE partitions\n"
                        "# ARRAY /dev/md8 UUID=01234567:89abcdef:00112233:44556677\n"
                        "ARRAY /dev/md9 UUID=11111111:89abcdef:00112233:44556677\n"
                        "array /dev/md/data metadata=1.2\n"
                        "   uuid=01234567:89ABCDEF:00112233:44556677\n");
  EXPECT_THAT(all[0].array->names, ElementsAre("md0", "md/0", "md/data"));
}

TEST(ArrayNames, OfAFirstSuperblockAreItsNumber) {
  MemberFile member(k_members[0]);
  EXPECT_EQ(read_array_number(member.root, "vda1", {k_member_size}), 3U);
}

TEST(ArrayNames, ContainersHaveNone) {
  EXPECT_FALSE(array_of_detail({"level", "container", "uuid", "01:02"}));
  EXPECT_FALSE(array_of_detail({}));
}

}  // namespace
}  // namespace vmconvert::guest
