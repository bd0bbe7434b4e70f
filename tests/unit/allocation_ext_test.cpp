#include "allocation/ext.hpp"

#include "allocation_support.hpp"
#include "base/text.hpp"

namespace vmconvert::allocation {
namespace {

using testing::HasSubstr;

constexpr std::size_t k_super = 1024;  // where the superblock is

struct Flavour {
  std::string name;
  std::string kind;
  std::vector<std::string> words;  // of mkfs
};

std::vector<std::string> operator+(std::vector<std::string> a, const std::vector<std::string>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

class ExtTest : public AllocationTest {
 protected:
  // Populated, with holes where files were.
  std::filesystem::path make(const Flavour& flavour, std::uint64_t size = 96 * k_mib) {
    const std::filesystem::path tree = make_tree(16 * k_mib, 7);
    const std::filesystem::path image = blank("image", size);
    run(std::vector<std::string>{"mkfs." + flavour.kind, "-q", "-F", "-d", tree.string()} +
        flavour.words + std::vector<std::string>{image.string()});
    std::ofstream orders(path("orders"));
    unsigned number = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(tree)) {
      if (entry.is_regular_file() && number++ % 3 == 0) {
        orders << "rm /" << entry.path().lexically_relative(tree).string() << "\n";
        m_removed.push_back(entry.path());
      }
    }
    orders.close();
    run({"debugfs", "-w", "-f", path("orders").string(), image.string()});
    for (const auto& file : m_removed) {
      std::filesystem::remove(file);
    }
    return image;
  }

  [[nodiscard]] std::uint64_t free_by_superblock(const std::filesystem::path& image) {
    std::uint64_t blocks = 0;
    std::uint64_t size = 0;
    for (const std::string& line : lines(run({"dumpe2fs", "-h", image.string()}))) {
      const std::string number(trim(line.substr(std::min(line.find(':') + 1, line.size()))));
      if (line.starts_with("Free blocks:")) {
        blocks = std::stoull(number);
      } else if (line.starts_with("Block size:")) {
        size = std::stoull(number);
      }
    }
    return blocks * size;
  }

  std::vector<std::filesystem::path> m_removed;
};

class ExtFlavours : public ExtTest, public testing::WithParamInterface<Flavour> {};

TEST_P(ExtFlavours, CallsNothingFreeThatAFileOrTheFilesystemNeeds) {
  const std::filesystem::path image = make(GetParam());
  run({"e2fsck", "-fn", image.string()});
  const std::vector<Content> contents = Image(image).read();
  expect_well_formed(contents, Image(image).region());
  ASSERT_EQ(contents.size(), 1U);
  EXPECT_EQ(contents[0].why, "");
  EXPECT_EQ(contents[0].name, GetParam().kind);
  const std::uint64_t by_superblock = free_by_superblock(image);
  EXPECT_LE(total(contents[0].free), by_superblock);
  EXPECT_GE(total(contents[0].free), by_superblock / 10 * 9);

  const std::filesystem::path copy = with_rubbish(image, contents);
  run({"e2fsck", "-fn", copy.string()});
  std::filesystem::create_directory(path("out"));
  run({"debugfs", "-R", "rdump / " + path("out").string(), copy.string()});
  std::filesystem::remove(path("out") / "lost+found");
  run({"diff", "-r", path("tree").string(), path("out").string()});
}

INSTANTIATE_TEST_SUITE_P(
    Ext, ExtFlavours,
    testing::Values(
        Flavour{"ext2", "ext2", {"-b", "4096"}}, Flavour{"ext2_1k", "ext2", {"-b", "1024"}},
        Flavour{"ext3", "ext3", {"-b", "4096"}}, Flavour{"ext3_1k", "ext3", {"-b", "1024"}},
        Flavour{"ext4", "ext4", {"-b", "4096"}}, Flavour{"ext4_1k", "ext4", {"-b", "1024"}},
        Flavour{"ext4_2k_64bit", "ext4", {"-b", "2048", "-O", "64bit"}},
        Flavour{"uninit_bg", "ext4", {"-b", "1024", "-O", "^metadata_csum,uninit_bg,^64bit"}},
        Flavour{"no_checksums", "ext4", {"-O", "^metadata_csum,^uninit_bg,^64bit"}},
        Flavour{"no_flex_bg", "ext4", {"-b", "1024", "-O", "^flex_bg"}},
        Flavour{"meta_bg", "ext4", {"-b", "1024", "-O", "meta_bg,^resize_inode"}},
        Flavour{"sparse_super2", "ext4", {"-b", "1024", "-O", "sparse_super2"}},
        Flavour{"bigalloc", "ext4", {"-O", "bigalloc", "-C", "16384"}},
        Flavour{"no_journal", "ext4", {"-O", "^has_journal"}}),
    [](const auto& tested) { return tested.param.name; });

class ExtRefusals : public ExtTest {
 protected:
  void SetUp() override { m_image = make({"", "ext4", {"-b", "1024", "-O", "^metadata_csum"}}); }
  static std::string why(const Image& image) {
    const std::vector<Content> contents = image.read();
    EXPECT_EQ(total(contents.at(0).free), 0U);
    return contents.at(0).why;
  }
  std::filesystem::path m_image;
};

TEST_F(ExtRefusals, WhatTheSuperblockSaysAgainstIt) {
  const Image image(m_image);
  ASSERT_EQ(image.read()[0].why, "");
  const auto incompat = load_le<std::uint32_t>(image.bytes(), k_super + 96);
  image.put(k_super + 96, incompat | 0x4U);
  EXPECT_THAT(why(image), HasSubstr("journal has to be replayed"));
  image.put(k_super + 96, incompat | 0x8U);
  EXPECT_THAT(why(image), HasSubstr("not known"));
  image.put(k_super + 96, incompat | 0x40000000U);
  EXPECT_THAT(why(image), HasSubstr("not known"));
  image.put(k_super + 96, incompat);
  const auto ro_compat = load_le<std::uint32_t>(image.bytes(), k_super + 100);
  image.put(k_super + 100, ro_compat | 0x80000000U);
  EXPECT_THAT(why(image), HasSubstr("not known"));
  image.put(k_super + 100, ro_compat);
  image.put(k_super + 58, std::uint16_t{0});
  EXPECT_THAT(why(image), HasSubstr("not unmounted cleanly"));
  image.put(k_super + 58, std::uint16_t{3});
  EXPECT_THAT(why(image), HasSubstr("recorded errors"));
  image.put(k_super + 58, std::uint16_t{1});
  EXPECT_EQ(image.read()[0].why, "");
}

// libext2fs would write behind its own bitmap for some of these.
TEST_F(ExtRefusals, GeometriesThatTheKernelWouldRefuse) {
  const Image image(m_image);
  struct Case {
    std::size_t at;
    std::uint32_t value;
  };
  for (const Case& tested : {Case{0, 1}, Case{20, 87}, Case{20, 0}, Case{24, 40}, Case{24, 1},
                             Case{28, 5}, Case{32, 4096}, Case{32, 0}, Case{36, 8}, Case{40, 0},
                             Case{40, 16384}, Case{40, 8}, Case{88, 100}}) {
    const auto before = load_le<std::uint32_t>(image.bytes(), k_super + tested.at);
    image.put(k_super + tested.at, tested.value);
    EXPECT_THAT(why(image), HasSubstr("damaged")) << tested.at;
    image.put(k_super + tested.at, before);
  }
  EXPECT_EQ(image.read()[0].why, "");
}

TEST_F(ExtRefusals, OneThatIsLargerThanItsPlace) {
  const Image image(m_image);
  const std::vector<Content> contents =
      image.read({ByteCount{0}, ByteCount{image.bytes().size() - 1024}});
  EXPECT_THAT(contents[0].why, HasSubstr("larger than its place"));
  EXPECT_TRUE(contents[0].free.empty());
}

TEST_F(ExtRefusals, ABitmapThatDoesNotAgreeWithItsCount) {
  const Image image(m_image);
  // The first group's descriptor is in the block after the superblock's.
  const auto bitmap = load_le<std::uint32_t>(image.bytes(), 2048) * std::size_t{1024};
  image.bytes()[bitmap] ^= std::byte{1};
  EXPECT_THAT(why(image), HasSubstr("does not agree"));
}

TEST_F(ExtRefusals, AChecksumThatIsWrong) {
  const std::filesystem::path file = blank("checked", 64 * k_mib);
  run({"mkfs.ext4", "-q", "-F", "-b", "1024", "-O", "metadata_csum,64bit", file.string()});
  const Image image(file);
  ASSERT_EQ(image.read()[0].why, "");
  const auto bitmap = load_le<std::uint32_t>(image.bytes(), 2048) * std::size_t{1024};
  for (const auto& [at, words] :
       {std::pair<std::size_t, const char*>{k_super + 120, "superblock has a wrong checksum"},
        {2048 + 12, "descriptor has a wrong checksum"},
        {bitmap + 7, "bitmap has a wrong checksum"}}) {
    image.bytes()[at] ^= std::byte{0x10};
    EXPECT_THAT(why(image), HasSubstr(words));
    image.bytes()[at] ^= std::byte{0x10};
  }
}

TEST_F(ExtRefusals, NoMutationOfItsHeadersCrashesTheReader) {
  const std::filesystem::path file = blank("small", 8 * k_mib);
  run({"mkfs.ext4", "-q", "-F", "-b", "1024", "-O", "^metadata_csum,^uninit_bg", file.string()});
  const Image image(file);
  unsigned refused = 0;
  mutate(image, {{ByteCount{1024}, ByteCount{1024}}, {ByteCount{2048}, ByteCount{64}}}, 3000,
         [&](const auto& contents, std::size_t) { refused += contents[0].why.empty() ? 0 : 1; });
  EXPECT_GT(refused, 300U);
}

}  // namespace
}  // namespace vmconvert::allocation
