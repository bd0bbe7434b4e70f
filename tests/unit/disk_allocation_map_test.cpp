#include "disk/allocation_map.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "base/error.hpp"
#include "disk_scratch.hpp"
#include "test_paths.hpp"

namespace vmconvert::disk {
namespace {

using model::AllocationNote;
using model::ByteRange;
using testing::ElementsAre;
using testing::HasSubstr;

ByteRange range(std::uint64_t offset, std::uint64_t length) {
  return {ByteCount{offset}, ByteCount{length}};
}

const std::vector<ByteRange> k_two = {range(1000, 5000), range(10000, 5000)};

AllocationMap parse(const std::string& first, const std::string& second = {}) {
  return parse_allocation(
      "vmconvert-allocation 1\nregion 1000 5000\n" + first + "region 10000 5000\n" +
          (second.empty() ? "content 10000 5000\text4\tdirty\n" : second) + "end\n",
      k_two);
}

TEST(ParseAllocation, ReadsNotesAndFreeSpace) {
  const AllocationMap map = parse(
      "content 1000 5000\tLVM: vg\t\nfree 5000 100\n"
      "content 2000 1000\tLVM: vg/root ext4\t\nfree 2000 10\nfree 2500 20\n"
      "content 3000 1000\tLVM: vg/x\twhat it holds is not known\n");
  EXPECT_THAT(map.free, ElementsAre(range(2000, 10), range(2500, 20), range(5000, 100)));
  ASSERT_EQ(map.notes.size(), 4U);
  EXPECT_EQ(map.notes[1], (AllocationNote{ByteCount{2000}, ByteCount{1000}, "LVM: vg/root ext4",
                                          true, "", ByteCount{30}}));
  EXPECT_EQ(map.notes[2].why, "what it holds is not known");
  EXPECT_FALSE(map.notes[2].by_map);
  EXPECT_EQ(map.notes[3], (AllocationNote{ByteCount{10000}, ByteCount{5000}, "ext4", false, "dirty",
                                          ByteCount{0}}));
}

TEST(ParseAllocation, CountsARegionAsUsedWhoseFreeSpaceCannotBe) {
  for (const char* lies :
       {"content 1000 5000\text4\t\nfree 999 10\n", "content 1000 5000\text4\t\nfree 5990 11\n",
        "content 1000 5000\text4\t\nfree 2000 10\nfree 2005 10\n",
        "content 1000 5000\text4\t\nfree 2000 10\nfree 1500 10\n",
        "content 1000 5000\text4\t\nfree 2000 0\n",
        "content 1000 5000\text4\t\nfree 2000 18446744073709551615\n",
        "content 1000 5000\text4\t\nfree 18446744073709551615 2\n",
        "content 1000 5000\text4\tdirty\nfree 2000 10\n", "content 1000 5\text4\t\nfree 2000 10\n",
        "content 900 5000\text4\t\n", "content 6000 5\text4\t\n", "content 1000 5001\text4\t\n",
        "content 1000 18446744073709551615\text4\t\n", "content 1000 0\text4\t\n",
        "content 1000 5000\ta\t\nfree 2000 10\ncontent 1000 5000\tb\t\nfree 2009 10\n",
        "content 1000 5000\ta\t\nfree 2000 10\ncontent 1 1\tb\t\n", ""}) {
    const AllocationMap map = parse(lies, "content 10000 5000\tswap\t\nfree 11000 10\n");
    EXPECT_THAT(map.free, ElementsAre(range(11000, 10))) << lies;
    ASSERT_EQ(map.notes.size(), 2U) << lies;
    EXPECT_THAT(map.notes[0].why, HasSubstr("cannot be true"));
    EXPECT_EQ(map.notes[0].length.value, 5000U);
    EXPECT_TRUE(map.notes[1].by_map);
  }
}

TEST(ParseAllocation, RefusesAnythingThatIsNotInItsForm) {
  const std::string good =
      "vmconvert-allocation 1\nregion 1000 5000\ncontent 1000 5000\text4\t\nfree 2000 10\n"
      "region 10000 5000\ncontent 10000 5000\tswap\t\nend\n";
  ASSERT_NO_THROW(parse_allocation(good, k_two));
  // Cut short anywhere.
  for (std::size_t length = 0; length < good.size(); ++length) {
    EXPECT_THROW(parse_allocation(good.substr(0, length), k_two), Error) << length;
  }
  const auto with = [&](std::string_view from, std::string_view to) {
    std::string text = good;
    return text.replace(text.find(from), from.size(), to);
  };
  for (const std::string& bad :
       {with("allocation 1", "allocation 2"), with("region 1000 ", "region 1001 "),
        with("free 2000 10", "free 2000"), with("free 2000 10", "free 2000 10 "),
        with("free 2000 10", "free -2000 10"),
        with("free 2000 10", "free 2000 99999999999999999999"),
        with("free 2000 10", "full 2000 10"), with("\text4\t", "\text4"),
        with("ext4", std::string_view("e\0t4", 4)), with("ext4", "e\x1b[1m"),
        with("ext4", std::string(300, 'x')), with("end\n", "end\nend\n"),
        with("end\n", "\nend\n")}) {
    EXPECT_THROW(parse_allocation(bad, k_two), Error) << bad;
  }
  std::mt19937 random(1);
  for (int round = 0; round < 5000; ++round) {
    std::string text = good;
    text[random() % text.size()] = static_cast<char>(random());
    try {
      for (const ByteRange& free : parse_allocation(text, k_two).free) {
        EXPECT_GE(free.offset.value, 1000U);
        EXPECT_LE(free.offset.value + free.length.value, 15000U);
      }
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::tool_failed);
    }
  }
}

TEST(ParseAllocation, BoundsWhatItKeeps) {
  std::string many = "content 1000 5000\text4\t\n";
  for (int i = 0; i <= 4096; ++i) {
    many += "content 1000 5000\text4\t\n";
  }
  EXPECT_THROW(parse(many), Error);
  const ByteRange region = range(0, 1ULL << 40U);
  std::string runs =
      "vmconvert-allocation 1\nregion 0 1099511627776\ncontent 0 1099511627776\tx\t\n";
  for (std::uint64_t i = 0; i < (1U << 20U) + 1; ++i) {
    runs += "free " + std::to_string(i * 100) + " 10\n";
  }
  EXPECT_THROW(parse_allocation(runs + "end\n", {region}), Error);
}

class ReadAllocation : public Scratch {
 protected:
  // A reader of our own making.
  std::filesystem::path script(const std::string& body) {
    std::filesystem::path path = m_folder.path() / "reader";
    std::ofstream(path) << "#!/bin/sh\n" << body;
    ::chmod(path.c_str(), 0755);
    return path;
  }
  AllocationMap read(const std::vector<ByteRange>& regions, const std::filesystem::path& reader) {
    return read_allocation(m_disk, "disk xvda", regions, reader, m_commands);
  }
  static std::filesystem::path real() {
    return vmconvert::test::build_dir() / "vmconvert-allocation";
  }
  void SetUp() override { m_disk = write("disk", random_bytes(6 * k_mib, 1)); }

  // All used, for this reason.
  static void expect_used(const AllocationMap& map, const std::string& why) {
    EXPECT_TRUE(map.free.empty());
    ASSERT_EQ(map.notes.size(), 1U);
    EXPECT_FALSE(map.notes[0].by_map);
    EXPECT_THAT(map.notes[0].why, HasSubstr(why));
  }

  std::filesystem::path m_disk;
};

TEST_F(ReadAllocation, AsksTheRealReader) {
  const std::filesystem::path part = write("part", Bytes(4 * k_mib));
  run({"mkswap", "-q", part.string()});
  Bytes bytes = read_file(m_disk);
  const Bytes swap = read_file(part);
  std::copy(swap.begin(), swap.end(), bytes.begin() + k_mib);
  write("disk", bytes);
  const AllocationMap map = read({range(k_mib, 4 * k_mib), range(5 * k_mib, k_mib)}, real());
  EXPECT_THAT(map.free, ElementsAre(range(k_mib + 4096, 4 * k_mib - 4096)));
  ASSERT_EQ(map.notes.size(), 2U);
  EXPECT_EQ(map.notes[0], (AllocationNote{ByteCount{k_mib}, ByteCount{4 * k_mib}, "swap", true, "",
                                          ByteCount{4 * k_mib - 4096}}));
  EXPECT_EQ(map.notes[1].why, "what it holds is not known");
}

TEST_F(ReadAllocation, CountsAllAsUsedWithoutAReaderThatWorks) {
  const std::vector<ByteRange> all = {range(0, 6 * k_mib)};
  expect_used(read(all, "/no/such/reader"), "not installed");
  expect_used(read(all, script("exit 3")), "exit code 3");
  expect_used(read(all, script("kill -SYS $$")), "exit code 159");
  expect_used(read(all, script("echo hello")), "not what it should be");
  expect_used(read(all, script("yes | head -c 70000000; sleep 20")), "wrote more than");
  m_disk = "/no/such/disk";
  expect_used(read(all, real()), "No such file");
}

TEST_F(ReadAllocation, GivesTheReaderTheDiskForReadingOnly) {
  const std::filesystem::path reader = script(
      "grep -q '^flags:.*0$' /proc/self/fdinfo/0 || exit 9\n"
      "echo 'vmconvert-allocation 1'; echo 'region 0 6291456'\n"
      "printf 'content 0 6291456\\t%s\\tno\\n' \"$*\"; echo end\n");
  const AllocationMap map = read({range(0, 6 * k_mib)}, reader);
  ASSERT_EQ(map.notes.size(), 1U);
  EXPECT_EQ(map.notes[0].content, "0:6291456");
}

TEST_F(ReadAllocation, DoesNotAskAboutPartitionsThatOverlap) {
  const AllocationMap map = read({range(0, k_mib), range(k_mib, k_mib), range(k_mib + 512, 512),
                                  range(4 * k_mib, 0), range(~0ULL - 5, 500)},
                                 real());
  EXPECT_TRUE(map.free.empty());
  ASSERT_EQ(map.notes.size(), 5U);
  EXPECT_EQ(map.notes[0].why, "what it holds is not known");
  EXPECT_THAT(map.notes[1].why, HasSubstr("overlaps"));
  EXPECT_THAT(map.notes[2].why, HasSubstr("overlaps"));
  EXPECT_THAT(map.notes[3].why, HasSubstr("empty"));
  EXPECT_THAT(map.notes[4].why, HasSubstr("beyond"));
  std::vector<ByteRange> many;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    many.push_back(range(i * 4096, 4096));
  }
  EXPECT_EQ(read(many, real()).notes.size(), 1000U);
}

}  // namespace
}  // namespace vmconvert::disk
