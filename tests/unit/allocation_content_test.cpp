#include "allocation/content.hpp"

#include "allocation/answer.hpp"
#include "allocation_support.hpp"

namespace vmconvert::allocation {
namespace {

using model::ByteRange;
using testing::HasSubstr;

struct Disk {
  explicit Disk(std::size_t size) : bytes(size) {}

  void put(std::size_t at, std::string_view text) {
    std::memcpy(bytes.data() + at, text.data(), text.size());
  }
  template <class T>
  void number(std::size_t at, T value) {
    std::memcpy(bytes.data() + at, &value, sizeof(T));
  }
  [[nodiscard]] Content read() const {
    const ByteRange region = {ByteCount{0}, ByteCount{bytes.size()}};
    const std::vector<Content> contents = read_region(MemorySource(bytes), region);
    EXPECT_EQ(contents.size(), 1U);
    return contents.at(0);
  }

  std::vector<std::byte> bytes;
};

Disk swap_disk(std::uint32_t last_page = 255) {
  Disk disk(k_mib + 300);
  disk.put(4086, "SWAPSPACE2");
  disk.number<std::uint32_t>(1024, 1);
  disk.number<std::uint32_t>(1028, last_page);
  return disk;
}

TEST(SwapReader, KeepsTheHeaderPageAndWhatIsBehind) {
  const Content content = swap_disk(200).read();
  EXPECT_EQ(content.name, "swap");
  EXPECT_EQ(content.why, "");
  EXPECT_THAT(content.free, testing::ElementsAre(
                                ByteRange{ByteCount{4096}, ByteCount{std::uint64_t{200} * 4096}}));
}

TEST(SwapReader, NeverTouchesAHibernatedSystem) {
  for (const std::string_view mark : {"S1SUSPEND\0", "S2SUSPEND\0", "ULSUSPEND\0", "LINHIB0001",
                                      "SWAP-SPACE", "\xed\xc3\x02\xe9\x98\x56\xe5\x0c"}) {
    Disk disk = swap_disk();
    disk.put(4086, std::string(10, '\0'));
    disk.put(4086, mark);
    const Content content = disk.read();
    EXPECT_EQ(content.name, "swap");
    EXPECT_THAT(content.why, HasSubstr("not plain swap space")) << mark;
    EXPECT_TRUE(content.free.empty());
  }
}

TEST(SwapReader, RefusesStrangeHeaders) {
  EXPECT_THAT(swap_disk(256).read().why, HasSubstr("larger than its place"));
  EXPECT_THAT(swap_disk(0xffffffff).read().why, HasSubstr("larger than its place"));
  EXPECT_THAT(swap_disk(0).read().why, HasSubstr("larger than its place"));
  Disk disk = swap_disk();
  disk.number<std::uint32_t>(1032, 1);
  EXPECT_THAT(disk.read().why, HasSubstr("bad pages"));
  disk = swap_disk();
  disk.number<std::uint32_t>(1024, 0x01000000);
  EXPECT_THAT(disk.read().why, HasSubstr("version or byte order"));
  disk = swap_disk();
  disk.put(4086, std::string(10, '\0'));
  disk.put(65526, "SWAPSPACE2");  // pages of 64 KiB
  EXPECT_THAT(disk.read().why, HasSubstr("not plain swap space"));
}

TEST(ReadRegion, NamesWhatItDoesNotRead) {
  const auto name_with = [](std::size_t at, std::string_view text) {
    Disk disk(k_mib);
    disk.put(at, text);
    const Content content = disk.read();
    EXPECT_NE(content.why, "");
    EXPECT_TRUE(content.free.empty());
    return content.name;
  };
  EXPECT_EQ(name_with(0, "LUKS\xba\xbe"), "LUKS");
  EXPECT_EQ(name_with(65536 + 64, "_BHRfS_M"), "btrfs");
  EXPECT_EQ(name_with(3, "NTFS    "), "FAT or NTFS");
  EXPECT_EQ(name_with(4096, "\xfc\x4e\x2b\xa9"), "RAID member");
  EXPECT_EQ(name_with(k_mib - 8192, "\xfc\x4e\x2b\xa9"), "RAID member");
  EXPECT_EQ(name_with(k_mib - 65536, "\xfc\x4e\x2b\xa9"), "RAID member");
  EXPECT_EQ(name_with(0, "hsqs"), "");
  EXPECT_EQ(name_with(100, "something"), "");
}

TEST(ReadRegion, UsesNoMapWhereTwoKindsLeftTraces) {
  Disk disk = swap_disk();
  disk.put(65536 + 64, "_BHRfS_M");
  EXPECT_THAT(disk.read().why, HasSubstr("more than one kind"));
  EXPECT_EQ(disk.read().name, "");

  disk = swap_disk();  // an old swap header in the gap before the first partition
  disk.number<std::uint16_t>(510, 0xaa55);
  disk.number<std::uint8_t>(446 + 4, 0x83);
  disk.number<std::uint32_t>(446 + 8, 2048);
  disk.number<std::uint32_t>(446 + 12, 100);
  EXPECT_THAT(disk.read().why, HasSubstr("more than one kind"));

  disk = swap_disk();  // a mirror's half
  disk.put((disk.bytes.size() / 512 * 512 - 8192) / 4096 * 4096, "\xfc\x4e\x2b\xa9");
  EXPECT_THAT(disk.read().why, HasSubstr("more than one kind"));
}

TEST(ReadRegion, SaysThatTheDiskEndsTooEarly) {
  const Disk disk = swap_disk();
  const MemorySource source(disk.bytes);
  for (const ByteRange& region :
       {ByteRange{ByteCount{disk.bytes.size()}, ByteCount{4096}},
        ByteRange{ByteCount{0}, ByteCount{1ULL << 40U}},
        ByteRange{ByteCount{~0ULL - 5}, ByteCount{100}}, ByteRange{ByteCount{0}, ByteCount{~0ULL}},
        ByteRange{ByteCount{0}, ByteCount{0}}}) {
    const std::vector<Content> contents = read_region(source, region);
    ASSERT_EQ(contents.size(), 1U);
    EXPECT_NE(contents[0].why, "");
    EXPECT_TRUE(contents[0].free.empty());
  }
}

TEST(ReadRegion, NoGarbageCrashesIt) {
  std::mt19937_64 random(99);
  const std::vector<std::pair<std::size_t, std::string_view>> marks = {
      {0, "XFSB"},          {1024 + 56, "\x53\xef"},  {512, "LABELONE"},
      {4086, "SWAPSPACE2"}, {65536 + 64, "_BHRfS_M"}, {0, ""}};
  Disk disk(256 * k_kib);
  for (int round = 0; round < 2000; ++round) {
    for (std::size_t at = 0; at < disk.bytes.size(); at += 8) {
      disk.number<std::uint64_t>(at, random());
    }
    const auto& [at, mark] = marks[random() % marks.size()];
    disk.put(at, mark);
    const ByteRange region = {ByteCount{0}, ByteCount{disk.bytes.size()}};
    expect_well_formed(read_region(MemorySource(disk.bytes), region), region);
  }
}

TEST(Volume, ReadsAcrossItsPieces) {
  Disk disk(4096);
  disk.put(1000, "cdef");
  disk.put(3000, "ab");
  const MemorySource source(disk.bytes);
  const Volume volume(source, {{ByteCount{3000}, ByteCount{2}},
                               {ByteCount{7}, ByteCount{0}},
                               {ByteCount{1000}, ByteCount{4}}});
  EXPECT_EQ(volume.size(), 6U);
  EXPECT_TRUE(has_text(volume.read(0, 6), 0, "abcdef"));
  EXPECT_TRUE(has_text(volume.read(1, 3), 0, "bcd"));
  EXPECT_THROW(static_cast<void>(volume.read(3, 4)), Error);
  EXPECT_THROW(static_cast<void>(volume.read(~0ULL, 2)), Error);
  EXPECT_THROW(Volume(source, {{ByteCount{1ULL << 63U}, ByteCount{1}}}), Error);
  EXPECT_THROW(Volume(source, {{ByteCount{0}, ByteCount{1ULL << 62U}},
                               {ByteCount{0}, ByteCount{1ULL << 62U}}}),
               Error);
}

TEST(FreeRuns, JoinsNeighboursAndDropsShortOnes) {
  FreeRuns runs;
  runs.add(0, 40 * k_kib);
  runs.add(40 * k_kib, 24 * k_kib);
  runs.add(100 * k_kib, 63 * k_kib);
  runs.add(200 * k_kib, 64 * k_kib);
  EXPECT_THROW(runs.add(210 * k_kib, k_kib), Error);
  EXPECT_THAT(runs.take(),
              testing::ElementsAre(ByteRange{ByteCount{0}, ByteCount{64 * k_kib}},
                                   ByteRange{ByteCount{200 * k_kib}, ByteCount{64 * k_kib}}));
}

TEST(FreeRuns, KeepsTheLongOnesOfTooMany) {
  FreeRuns runs;
  std::uint64_t at = 0;
  for (std::size_t i = 0; i < 2 * k_most_runs; ++i) {
    const std::uint64_t length = i % 2 == 0 ? k_shortest_run : 3 * k_shortest_run;
    runs.add(at, length);
    at += length + k_alignment;
  }
  const std::vector<ByteRange> kept = runs.take();
  EXPECT_LE(kept.size(), k_most_runs);
  EXPECT_GE(kept.size(), k_most_runs / 2);
  EXPECT_EQ(kept.back().length.value, 3 * k_shortest_run);
}

TEST(Answer, IsInItsForm) {
  const std::vector<ByteRange> regions = {{ByteCount{512}, ByteCount{k_mib}},
                                          {ByteCount{2 * k_mib}, ByteCount{k_mib}}};
  const std::vector<std::vector<Content>> contents = {
      {{regions[0], "ext4", "", {{ByteCount{4096}, ByteCount{65536}}}}},
      {{regions[1], "a\tb\n\x80", "bad\x1b[31m", {}}}};
  EXPECT_EQ(make_answer(regions, contents),
            "vmconvert-allocation 1\nregion 512 1048576\ncontent 512 1048576\text4\t\n"
            "free 4096 65536\nregion 2097152 1048576\n"
            "content 2097152 1048576\ta?b??\tbad?[31m\nend\n");
}

TEST(Answer, IsBounded) {
  const ByteRange region = {ByteCount{0}, ByteCount{1ULL << 40U}};
  Content content = {region, "ext4", "", {}};
  for (std::uint64_t i = 0; i < 1000; ++i) {
    content.free.push_back({ByteCount{i << 24U}, ByteCount{i % 10 == 0 ? k_mib : k_shortest_run}});
  }
  const std::string answer = make_answer({region}, {{content}}, 500);
  EXPECT_EQ(std::count(answer.begin(), answer.end(), '\n'), 100 + 4);
}

TEST(Answer, ReadsRegionsStrictly) {
  EXPECT_EQ(parse_region("1:2"), (ByteRange{ByteCount{1}, ByteCount{2}}));
  for (const char* word : {"", "1", "1:", ":2", "1:2:3", "-1:2", "1:2x", " 1:2", "0x1:2"}) {
    EXPECT_FALSE(parse_region(word)) << word;
  }
}

}  // namespace
}  // namespace vmconvert::allocation
