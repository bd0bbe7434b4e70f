#include "allocation/xfs.hpp"

#include <bit>

#include "allocation/crc.hpp"
#include "allocation_support.hpp"
#include "base/text.hpp"

namespace vmconvert::allocation {
namespace {

using testing::HasSubstr;

constexpr std::size_t k_sector = 512;
constexpr std::size_t k_agf = k_sector;  // of the first group

template <class T>
void put_be(const Image& image, std::size_t at, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    image.bytes()[at + i] = static_cast<std::byte>(value >> (8 * (sizeof(T) - 1 - i)));
  }
}

// After a change to a structure, so that not only its checksum tells.
void seal(const Image& image, std::size_t at, std::size_t length, std::size_t hole) {
  image.put(at + hole, crc32c_without(Bytes(image.bytes()).subspan(at, length), hole));
}

struct XfsFlavour {
  std::string name;
  std::vector<std::string> words;  // of mkfs
};

class XfsTest : public AllocationTest {
 protected:
  // Small ones are not meant for use, but they are the same.
  std::filesystem::path make(const std::vector<std::string>& words, std::uint64_t size) {
    std::filesystem::path image = blank("image", size);
    std::vector<std::string> argv = {"mkfs.xfs", "-q", "-f", "--unsupported"};
    argv.insert(argv.end(), words.begin(), words.end());
    argv.push_back(image.string());
    run(argv);
    return image;
  }
  // With files, by a prototype (mkfs.xfs(8)).
  std::filesystem::path make_full(const std::vector<std::string>& words, std::uint64_t size) {
    const std::filesystem::path tree = make_tree(24 * k_mib, 11);
    std::ofstream proto(path("proto"));
    proto << "/\n0 0\nd--755 0 0\n";
    for (const auto& entry : std::filesystem::recursive_directory_iterator(tree)) {
      if (entry.is_regular_file()) {
        proto << entry.path().filename().string() << " ---644 0 0 " << entry.path().string()
              << "\n";
      }
    }
    proto << "$\n$\n";
    proto.close();
    std::vector<std::string> with = words;
    with.insert(with.end(), {"-p", path("proto").string()});
    return make(with, size);
  }
  // All free stretches by xfs_db, on the disk.
  std::vector<model::ByteRange> free_by_xfs_db(const std::filesystem::path& image) {
    std::uint64_t block = 0;
    std::uint64_t group_blocks = 0;
    for (const std::string& line :
         lines(run({"xfs_db", "-r", "-c", "sb 0", "-c", "p blocksize agblocks", image.string()}))) {
      const std::uint64_t value = std::stoull(split(line, '=').at(1));
      (line.starts_with("blocksize") ? block : group_blocks) = value;
    }
    std::vector<model::ByteRange> ranges;
    for (const std::string& line :
         lines(run({"xfs_db", "-r", "-c", "freesp -d", image.string()}))) {
      const std::vector<std::string> fields = words(line);
      if (fields.size() == 3 && parse_number(fields[0])) {
        ranges.push_back(
            {ByteCount{(*parse_number(fields[0]) * group_blocks + *parse_number(fields[1])) *
                       block},
             ByteCount{*parse_number(fields[2]) * block}});
      }
    }
    return ranges;
  }
  static std::string why(const Image& image) {
    const std::vector<Content> contents = image.read();
    EXPECT_EQ(total(contents.at(0).free), 0U);
    return contents.at(0).why;
  }
};

class XfsFlavours : public XfsTest, public testing::WithParamInterface<XfsFlavour> {};

TEST_P(XfsFlavours, AgreesWithXfsDbAndSurvivesRubbish) {
  const std::filesystem::path image = make_full(GetParam().words, 128 * k_mib);
  const std::vector<Content> contents = Image(image).read();
  expect_well_formed(contents, Image(image).region());
  EXPECT_EQ(contents[0].why, "");
  EXPECT_EQ(contents[0].name, "xfs");

  const std::vector<model::ByteRange> wanted = free_by_xfs_db(image);
  for (const model::ByteRange& run : contents[0].free) {
    EXPECT_TRUE(std::any_of(wanted.begin(), wanted.end(), [&](const model::ByteRange& range) {
      return range.offset <= run.offset && run.offset + run.length <= range.offset + range.length;
    })) << run.offset.value;
  }
  EXPECT_GE(total(contents[0].free), total(wanted) / 10 * 9);
  EXPECT_GT(total(contents[0].free), 32 * k_mib);
  run({"xfs_repair", "-n", "-f", with_rubbish(image, contents).string()});
}

INSTANTIATE_TEST_SUITE_P(
    Xfs, XfsFlavours,
    testing::Values(XfsFlavour{"v5", {}}, XfsFlavour{"v4", {"-m", "crc=0"}},
                    XfsFlavour{"v5_1k", {"-b", "size=1024"}},
                    XfsFlavour{"v4_512", {"-m", "crc=0", "-b", "size=512"}},
                    XfsFlavour{"rmapbt", {"-m", "rmapbt=1,reflink=1"}},
                    XfsFlavour{"plain_v5",
                               {"-m", "reflink=0,finobt=0,bigtime=0", "-i", "nrext64=0"}},
                    XfsFlavour{"big_sectors", {"-s", "size=4096"}},
                    XfsFlavour{"log_v1", {"-m", "crc=0", "-l", "version=1"}},
                    XfsFlavour{"log_stripes", {"-l", "su=64k"}},
                    XfsFlavour{"other_uuid", {"-m", "uuid=11111111-2222-3333-4444-555555555555"}}),
    [](const auto& tested) { return tested.param.name; });

TEST_F(XfsTest, ReadsAUuidThatWasChanged) {
  const std::filesystem::path file = make({}, 64 * k_mib);
  run({"xfs_admin", "-U", "generate", file.string()});
  EXPECT_EQ(Image(file).read()[0].why, "");
}

// A tree of several levels: every second block of many is free.
TEST_F(XfsTest, WalksADeepTree) {
  const std::filesystem::path file =
      make({"-b", "size=512", "-m", "crc=0", "-d", "agcount=1"}, 64 * k_mib);
  const Image image(file);
  const std::vector<std::byte> agf(image.bytes().begin() + k_agf, image.bytes().begin() + 1024);
  const auto old_root = load_be<std::uint32_t>(agf, 16);
  std::ofstream(path("before")) << old_root;
  // The tail of the group becomes one stretch per leaf record: 62 records fit a leaf of 512 bytes.
  const std::size_t block = 512;
  const std::uint32_t size = load_be<std::uint32_t>(agf, 12);
  const std::uint32_t tree = size - 100;  // blocks for the tree
  std::uint32_t next = size / 2 + 20000;
  std::uint32_t free = 0;
  const auto head = [&](std::uint32_t at, std::uint16_t level, std::uint16_t entries) {
    put_be(image, at * block, std::uint32_t{0x41425442});
    put_be(image, at * block + 4, level);
    put_be(image, at * block + 6, entries);
  };
  const std::uint32_t leaves = 20;
  head(tree, 1, leaves);
  for (std::uint32_t leaf = 0; leaf < leaves; ++leaf) {
    head(tree + 1 + leaf, 0, 62);
    put_be(image, tree * block + 16 + 8 * 41 + std::size_t{4} * leaf, tree + 1 + leaf);
    for (std::uint32_t i = 0; i < 62; ++i) {
      const std::uint32_t count = i % 2 == 0 ? 1 : 20;
      put_be(image, (tree + 1 + leaf) * block + 16 + std::size_t{8} * i, next);
      put_be(image, (tree + 1 + leaf) * block + 20 + std::size_t{8} * i, count);
      next += count + 1;
      free += count;
    }
  }
  ASSERT_LT(next, tree);
  put_be(image, k_agf + 16, tree);
  put_be(image, k_agf + 28, std::uint32_t{2});
  put_be(image, k_agf + 52, free);
  EXPECT_EQ(image.read()[0].why, "");

  // A pointer back to the root, and one to the same leaf twice.
  put_be(image, tree * block + 16 + 8 * 41 + 4 * 5, tree);
  EXPECT_THAT(why(image), HasSubstr("tree of allocation group 0 is damaged"));
  put_be(image, tree * block + 16 + 8 * 41 + 4 * 5, tree + 1 + 4);
  EXPECT_THAT(why(image), HasSubstr("tree of allocation group 0 is damaged"));
  put_be(image, tree * block + 16 + 8 * 41 + 4 * 5, tree + 1 + 5);
  EXPECT_EQ(image.read()[0].why, "");
  // Records out of order.
  put_be(image, (tree + 1) * block + 16 + 8, std::uint32_t{5});
  EXPECT_THAT(why(image), HasSubstr("tree of allocation group 0 is damaged"));
}

class XfsRefusals : public XfsTest {
 protected:
  void SetUp() override { m_file = make({}, 64 * k_mib); }
  std::filesystem::path m_file;
};

TEST_F(XfsRefusals, WhatTheSuperblockSaysAgainstIt) {
  const Image image(m_file);
  ASSERT_EQ(image.read()[0].why, "");
  struct Case {
    std::size_t at;
    std::uint32_t value;
    const char* words;
  };
  for (const Case& tested : {Case{216, 0x10, "need of repair"}, Case{216, 0x100, "not known"},
                             Case{212, 0x100, "not known"}, Case{220, 1, "not known"},
                             Case{48, 0, "log is on another device"}, Case{20, 1, "realtime"},
                             Case{12, 1U << 30U, "damaged"}, Case{96, 0x7fffffff, "log is outside"},
                             Case{4, 4097, "damaged"}, Case{88, 0, "damaged"}}) {
    const std::vector<std::byte> before(image.bytes().begin(), image.bytes().begin() + k_sector);
    put_be(image, tested.at, tested.value);
    if (tested.at == 48) {
      put_be(image, 52, tested.value);
    }
    EXPECT_THAT(why(image), HasSubstr("wrong checksum"));
    seal(image, 0, k_sector, 224);
    EXPECT_THAT(why(image), HasSubstr(tested.words)) << tested.at;
    std::copy(before.begin(), before.end(), image.bytes().begin());
  }
  image.bytes()[126] = std::byte{1};
  seal(image, 0, k_sector, 224);
  EXPECT_THAT(why(image), HasSubstr("making was not finished"));
}

TEST_F(XfsRefusals, OneThatIsLargerThanItsPlace) {
  const Image image(m_file);
  EXPECT_THAT(image.read({ByteCount{0}, ByteCount{image.bytes().size() - 4096}})[0].why,
              HasSubstr("larger than its place"));
}

TEST_F(XfsRefusals, AGroupHeaderThatIsDamaged) {
  const Image image(m_file);
  for (const std::size_t field : {0, 4, 8, 12, 16, 28, 52, 64}) {
    const std::vector<std::byte> before(image.bytes().begin() + k_agf,
                                        image.bytes().begin() + 2 * k_agf);
    image.bytes()[k_agf + field] ^= std::byte{0x40};
    EXPECT_THAT(why(image), HasSubstr("header of allocation group 0"));
    seal(image, k_agf, k_sector, 216);
    EXPECT_THAT(why(image), HasSubstr("allocation group 0")) << field;
    std::copy(before.begin(), before.end(), image.bytes().begin() + k_agf);
  }
  EXPECT_EQ(image.read()[0].why, "");
}

TEST_F(XfsRefusals, ATreeThatCallsItselfOrTheLogFree) {
  const Image image(m_file);
  const XfsGeometry geometry =
      read_xfs_superblock(Volume(MemorySource(image.bytes()), {image.region()}));
  const std::size_t agf = geometry.byte_of(geometry.log_group, 0) + k_sector;
  const auto root = load_be<std::uint32_t>(image.bytes(), agf + 16);
  const std::size_t leaf = geometry.byte_of(geometry.log_group, root);
  const auto seal_leaf = [&] { seal(image, leaf, geometry.block_size, 52); };
  ASSERT_EQ(load_be<std::uint16_t>(image.bytes(), leaf + 4), 0U);

  put_be(image, leaf + 56, geometry.log_start + 1);
  put_be(image, leaf + 60, std::uint32_t{1});
  put_be(image, leaf + 6, std::uint16_t{1});
  seal_leaf();
  EXPECT_THAT(why(image), HasSubstr("its own log free"));
  put_be(image, leaf + 56, std::uint32_t{0});
  seal_leaf();
  EXPECT_THAT(why(image), HasSubstr("is damaged"));
  put_be(image, leaf + 56, root);
  seal_leaf();
  EXPECT_THAT(why(image), HasSubstr("is damaged"));
  put_be(image, leaf + 60, std::uint32_t{0xffffffff});
  seal_leaf();
  EXPECT_THAT(why(image), HasSubstr("is damaged"));
}

// What a mounted filesystem's log looks like: a record after the one that says "unmounted".
TEST_F(XfsRefusals, ALogThatWentOn) {
  const Image image(m_file);
  const XfsGeometry geometry =
      read_xfs_superblock(Volume(MemorySource(image.bytes()), {image.region()}));
  const std::size_t log = geometry.byte_of(geometry.log_group, geometry.log_start);
  ASSERT_EQ(load_be<std::uint32_t>(image.bytes(), log), 0xfeedbabe);
  const auto cycle = load_be<std::uint32_t>(image.bytes(), log + 4);
  const std::size_t later = log + 100 * k_sector;
  const std::vector<std::byte> before(image.bytes().begin() + static_cast<long>(later),
                                      image.bytes().begin() + static_cast<long>(later + k_sector));
  std::copy_n(image.bytes().begin() + static_cast<long>(log), k_sector,
              image.bytes().begin() + static_cast<long>(later));
  put_be(image, later + 40, std::uint32_t{7});
  EXPECT_THAT(why(image), HasSubstr("log has to be replayed"));
  // Only data of a later record arrived, its header did not.
  std::copy(before.begin(), before.end(), image.bytes().begin() + static_cast<long>(later));
  put_be(image, later, cycle);
  EXPECT_THAT(why(image), HasSubstr("log has to be replayed"));
  put_be(image, later, cycle + 1);
  EXPECT_THAT(why(image), HasSubstr("log has to be replayed"));
  std::copy(before.begin(), before.end(), image.bytes().begin() + static_cast<long>(later));
  EXPECT_EQ(image.read()[0].why, "");
  // Not an unmount record; of another filesystem; no record at all.
  image.bytes()[log + k_sector + 9] = std::byte{0};
  EXPECT_THAT(why(image), HasSubstr("log has to be replayed"));
  image.bytes()[log + k_sector + 9] = std::byte{0x20};
  image.bytes()[log + 304] ^= std::byte{1};
  EXPECT_THAT(why(image), HasSubstr("log cannot be understood"));
  image.bytes()[log] = std::byte{0};
  EXPECT_THAT(why(image), HasSubstr("log"));
}

// With checksums everywhere a changed byte is seen, or was of no meaning.
TEST_F(XfsRefusals, NoMutationCrashesTheReaderOrChangesItsAnswer) {
  const std::filesystem::path file = make({}, 64 * k_mib);
  const Image image(file);
  const std::vector<model::ByteRange> truth = image.read()[0].free;
  ASSERT_FALSE(truth.empty());
  mutate(image,
         {{ByteCount{0}, ByteCount{272}},
          {ByteCount{k_agf}, ByteCount{224}},
          {ByteCount{4096}, ByteCount{128}}},
         1500, [&](const auto& contents, std::size_t at) {
           EXPECT_TRUE(contents[0].free.empty() || contents[0].free == truth) << at;
         });
}

TEST_F(XfsRefusals, NoMutationOfOneWithoutChecksumsCrashesTheReader) {
  const std::filesystem::path file = make({"-l", "size=4m", "-m", "crc=0"}, 32 * k_mib);
  const Image image(file);
  unsigned refused = 0;
  mutate(image,
         {{ByteCount{0}, ByteCount{210}},
          {ByteCount{k_agf}, ByteCount{64}},
          {ByteCount{4096}, ByteCount{64}}},
         1500,
         [&](const auto& contents, std::size_t) { refused += contents[0].why.empty() ? 0 : 1; });
  EXPECT_GT(refused, 300U);
}

}  // namespace
}  // namespace vmconvert::allocation
