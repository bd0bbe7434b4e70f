#include "allocation/lvm.hpp"

#include "allocation/lvm_text.hpp"
#include "allocation_lvm_image.hpp"
#include "allocation_support.hpp"

namespace vmconvert::allocation {
namespace {

using model::ByteRange;
using testing::HasSubstr;

constexpr std::size_t k_extent = LvmImage::k_extent;

std::vector<Content> read(const LvmImage& image) {
  return read_region(MemorySource(image.bytes), {ByteCount{0}, ByteCount{image.bytes.size()}});
}

std::string why(const LvmImage& image) {
  const std::vector<Content> contents = read(image);
  EXPECT_EQ(contents.size(), 1U);
  EXPECT_TRUE(contents[0].free.empty());
  return contents[0].why;
}

ByteRange extents(std::size_t start, std::size_t count) {
  return {ByteCount{k_mib + start * k_extent}, ByteCount{count * k_extent}};
}

TEST(LvmText, ReadsWhatLvmWrites) {
  const LvmSection root = parse_lvm_text(
      "vg0 { # comment }\n a = 5 b=\"x\\\"y\" c = [\"p\", 3]\n d = [] e = -1 in { f = 1 }\n}\n");
  const LvmSection& group = root.need_section("vg0");
  EXPECT_EQ(group.need_number("a"), 5U);
  EXPECT_EQ(group.need_text("b"), "x\"y");
  EXPECT_EQ(group.value("c")->items.size(), 2U);
  EXPECT_TRUE(group.texts("d").empty());
  EXPECT_EQ(group.need_section("in").need_number("f"), 1U);
  EXPECT_THROW(static_cast<void>(group.need_number("e")), Error);
  EXPECT_THROW(static_cast<void>(group.need_number("b")), Error);
  EXPECT_THROW(static_cast<void>(group.need_number("none")), Error);
  EXPECT_THROW(static_cast<void>(group.texts("c")), Error);
}

TEST(LvmText, RefusesAllElse) {
  for (const char* text : {"a", "a =", "a = x", "a { ", "a { b = 1", "}", "a = [1", "a = [1 2]",
                           "a = \"x", "a = 1 a = 2", "a = 1 a { }", "a = 99999999999999999999",
                           "= 1", "a = 1.5", "a : 1", "{}"}) {
    EXPECT_THROW(parse_lvm_text(text), Error) << text;
  }
  std::string deep;
  for (int i = 0; i < 100000; ++i) {
    deep += "a {";
  }
  EXPECT_THROW(parse_lvm_text(deep), Error);
  EXPECT_THROW(parse_lvm_text(std::string("a = 1\0", 6)), Error);
}

TEST(Lvm, CallsExtentsFreeThatNoVolumeUses) {
  LvmImage image(100);
  image.write_text(image.group(LvmImage::volume("data", {LvmImage::linear(0, 10, 5)}) +
                               LvmImage::volume("gap", {LvmImage::linear(0, 20, 40)})));
  const std::vector<Content> contents = read(image);
  ASSERT_EQ(contents.size(), 3U);
  EXPECT_EQ(contents[0].name, "LVM: vg");
  EXPECT_EQ(contents[0].why, "");
  EXPECT_THAT(contents[0].free,
              testing::ElementsAre(extents(0, 5), extents(15, 25), extents(60, 40)));
  EXPECT_EQ(contents[1].name, "LVM: vg/data");
  EXPECT_THAT(contents[1].why, HasSubstr("not known"));
  EXPECT_EQ(contents[1].where, extents(5, 10));
}

TEST(Lvm, ReadsATextThatWrapsAroundItsArea) {
  LvmImage image(10);
  image.write_text(image.group({}), LvmImage::k_area_size - 200);
  EXPECT_THAT(read(image)[0].free, testing::ElementsAre(extents(0, 10)));
}

TEST(Lvm, LeavesVolumesAloneThatAreNoPlainOnes) {
  LvmImage image(100);
  const std::string mirrored =
      "start_extent = 0\nextent_count = 5\ntype = \"mirror\"\nmirror_count = 2\n"
      "mirrors = [\"pv0\", 20, \"pv0\", 30]\n";
  const std::string striped =
      "start_extent = 0\nextent_count = 8\ntype = \"striped\"\nstripe_count = 2\nstripe_size = "
      "128\nstripes = [\"pv0\", 40, \"pv1\", 0]\n";
  const std::string snapshot =
      "start_extent = 0\nextent_count = 1\ntype = \"snapshot\"\nchunk_size = 8\norigin = "
      "\"root\"\ncow_store = \"snap\"\n";
  const std::string thin =
      "start_extent = 0\nextent_count = 90\ntype = \"thin\"\nthin_pool = \"pool\"\ndevice_id = 1\n";
  const std::string pv1 =
      "pv1 {\nid = \"other\"\nstatus = [\"ALLOCATABLE\"]\nflags = []\npe_start = 2048\npe_count = "
      "9\n}\n";
  image.write_text(image.group(
      LvmImage::volume("root", {LvmImage::linear(0, 4, 0)}) +
          LvmImage::volume("snap", {LvmImage::linear(0, 4, 4)}, "[\"READ\", \"WRITE\"]") +
          LvmImage::volume("snapshot0", {snapshot}) + LvmImage::volume("m", {mirrored}) +
          LvmImage::volume("s", {striped}) + LvmImage::volume("t", {thin}) +
          LvmImage::volume("spread",
                           {LvmImage::linear(0, 2, 60), LvmImage::linear(2, 2, 4, "pv1")}) +
          LvmImage::volume("locked", {LvmImage::linear(0, 2, 62)},
                           R"(["READ", "WRITE", "VISIBLE", "LOCKED"])") +
          LvmImage::volume("elsewhere", {LvmImage::linear(0, 2, 0, "pv1")}),
      {}, pv1));
  const std::vector<Content> contents = read(image);
  EXPECT_EQ(contents[0].why, "");
  // The striped one may have at most all of its extents here.
  EXPECT_THAT(contents[0].free, testing::ElementsAre(extents(8, 12), extents(25, 5), extents(35, 5),
                                                     extents(48, 12), extents(64, 36)));
  std::vector<std::string> names;
  for (std::size_t i = 1; i < contents.size(); ++i) {
    names.push_back(contents[i].name + ": " + contents[i].why);
    EXPECT_TRUE(contents[i].free.empty());
  }
  EXPECT_THAT(names,
              testing::ElementsAre("LVM: vg/root: it is a part of another volume",
                                   "LVM: vg/snap: it is a part of another volume",
                                   "LVM: vg/m: it is of the kind mirror",
                                   "LVM: vg/s: it is of the kind striped",
                                   "LVM: vg/spread: a part of it is on another physical volume",
                                   "LVM: vg/locked: it has a property that is not known here"));
}

TEST(Lvm, RefusesGroupsThatItCannotTrust) {
  LvmImage image(20);
  const auto expect = [&](const std::string& text, const char* words) {
    image.write_text(text);
    EXPECT_THAT(why(image), HasSubstr(words));
  };
  const std::string good = image.group(LvmImage::volume("a", {LvmImage::linear(0, 5, 5)}));
  const auto with = [&](std::string_view from, std::string_view to) {
    std::string text = good;
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
  };
  expect(with("\"RESIZEABLE\"", "\"RESIZEABLE\", \"EXPORTED\""), "exported");
  expect(with("\"RESIZEABLE\"", "\"CLUSTERED\""), "not known");
  expect(with("max_lv = 0", "lock_type = \"sanlock\""), "shared");
  expect(with("status = [\"ALLOCATABLE\"]\nflags = []", "flags = [\"MISSING\"]"), "incomplete");
  expect(with("abcdef-GHIJ", "abcdef-GHIj"), "does not name it");
  expect(with("pe_count = 20", "pe_count = 21"), "larger than its place");
  expect(with("pe_count = 20", "pe_count = 9999999999999"), "larger than its place");
  expect(with("pe_start = 2048", "pe_start = 1000"), "over its metadata");
  expect(with("extent_size = 128", "extent_size = 0"), "larger than its place");
  expect(with("\"pv0\", 5", "\"pv0\", 16"), "goes beyond it");
  expect(with("\"pv0\", 5", "\"pv0\", -1"), "no start");
  expect(with("segment_count = 1", "segment_count = 2"), "segments are missing");
  expect(with("start_extent = 0", "start_extent = 1"), "out of order");
  expect(with("Text Format", "Test Format"), "another kind");
  expect(with("vg {", "vg {}\nvh {"), "another kind");
  expect(image.group(LvmImage::volume("a", {LvmImage::linear(0, 5, 5)}) +
                     LvmImage::volume("b", {LvmImage::linear(0, 5, 9)})),
         "lie over each other");
  expect(good.substr(0, good.size() / 2), "cannot be understood");
  image.write_text(good);
  EXPECT_EQ(read(image)[0].why, "");
}

TEST(Lvm, RefusesLabelsAndAreasThatAreDamaged) {
  LvmImage good(20);
  good.write_text(good.group({}));
  const auto expect = [&](const auto& change, const char* words) {
    LvmImage image = good;
    change(image);
    EXPECT_THAT(why(image), HasSubstr(words));
  };
  constexpr std::size_t area = LvmImage::k_area;
  expect([](LvmImage& i) { i.put<std::uint8_t>(600, 1); }, "label is damaged");
  expect([](LvmImage& i) { i.put<std::uint64_t>(520, 2); }, "label is damaged");
  expect([](LvmImage& i) { i.put_text(0, "LABELONE"); }, "label is damaged");
  expect([](LvmImage& i) { i.put<std::uint32_t>(532, 4000), i.seal_label(); }, "label is damaged");
  expect([](LvmImage& i) { i.put<std::uint64_t>(576, 1U << 30U), i.seal_label(); }, "larger");
  expect([](LvmImage& i) { i.put<std::uint64_t>(624, 1U << 30U), i.seal_label(); }, "outside");
  expect([](LvmImage& i) { i.put<std::uint64_t>(616, 0), i.seal_label(); }, "other physical");
  expect([](LvmImage& i) { i.put<std::uint8_t>(area + 6, 1); }, "area is damaged");
  expect([](LvmImage& i) { i.put<std::uint64_t>(area + 40, 0), i.seal_area(); }, "no volume group");
  expect([](LvmImage& i) { i.put<std::uint64_t>(area + 40, 1U << 30U), i.seal_area(); }, "damaged");
  expect([](LvmImage& i) { i.put<std::uint64_t>(area + 48, ~0ULL), i.seal_area(); }, "damaged");
  expect([](LvmImage& i) { i.put<std::uint32_t>(area + 60, 1), i.seal_area(); }, "other physical");
  expect([](LvmImage& i) { i.put<std::uint64_t>(area + 64, 512), i.seal_area(); }, "middle");
  expect([](LvmImage& i) { i.put<std::uint8_t>(area + 600, 1); }, "wrong checksum");
}

TEST(Lvm, NoMutationOfATextCrashesTheReader) {
  LvmImage image(30);
  const std::string good =
      image.group(LvmImage::volume("a", {LvmImage::linear(0, 5, 5), LvmImage::linear(5, 3, 20)}));
  std::mt19937_64 random(3);
  unsigned refused = 0;
  for (int round = 0; round < 4000; ++round) {
    std::string text = good;
    text[random() % text.size()] = static_cast<char>(random());
    if (round % 3 == 0) {
      text.erase(random() % text.size(), random() % 20);
    }
    image.write_text(text);
    const std::vector<Content> contents = read(image);
    expect_well_formed(contents, {ByteCount{0}, ByteCount{image.bytes.size()}});
    refused += contents[0].why.empty() ? 0 : 1;
  }
  EXPECT_GT(refused, 1000U);
}

class LvmFilesystems : public AllocationTest {};

// An ext4 in three pieces that lie backwards, an XFS, a swap space.
TEST_F(LvmFilesystems, AreReadThroughTheirPieces) {
  const std::filesystem::path ext = blank("ext", 24 * k_mib);
  run({"mkfs.ext4", "-q", "-F", "-d", make_tree(4 * k_mib, 5).string(), ext.string()});
  const std::filesystem::path xfs = blank("xfs", 64 * k_mib);
  run({"mkfs.xfs", "-q", "--unsupported", xfs.string()});
  const std::filesystem::path swap = blank("swap", 2 * k_mib);
  run({"mkswap", "-q", swap.string()});

  LvmImage image(3000);
  const auto copy_in = [&](const std::filesystem::path& file, std::size_t from, std::size_t count,
                           std::size_t at) {
    const Image content(file);
    std::copy_n(content.bytes().begin() + static_cast<long>(from * k_extent), count * k_extent,
                image.bytes.begin() + static_cast<long>(k_mib + at * k_extent));
  };
  copy_in(ext, 0, 100, 300);
  copy_in(ext, 100, 150, 100);
  copy_in(ext, 250, 134, 500);
  copy_in(xfs, 0, 1024, 700);
  copy_in(swap, 0, 32, 2000);
  image.write_text(image.group(
      LvmImage::volume("root", {LvmImage::linear(0, 100, 300), LvmImage::linear(100, 150, 100),
                                LvmImage::linear(250, 134, 500)}) +
      LvmImage::volume("data", {LvmImage::linear(0, 1024, 700)}) +
      LvmImage::volume("swap_1", {LvmImage::linear(0, 32, 2000)})));

  // Behind something else on the disk, off the grid of 4 KiB.
  constexpr std::size_t k_before = 63 * k_sector_size;
  std::vector<std::byte> disk(k_before, std::byte{0x55});
  disk.insert(disk.end(), image.bytes.begin(), image.bytes.end());
  const ByteRange region = {ByteCount{k_before}, ByteCount{image.bytes.size()}};
  const std::vector<Content> contents = read_region(MemorySource(disk), region);
  expect_well_formed(contents, region);
  ASSERT_EQ(contents.size(), 4U);
  EXPECT_EQ(contents[1].name, "LVM: vg/root ext4");
  EXPECT_EQ(contents[2].name, "LVM: vg/data xfs");
  EXPECT_EQ(contents[3].name, "LVM: vg/swap_1 swap");
  EXPECT_EQ(contents[1].where.offset.value, k_before + k_mib + 300 * k_extent);
  EXPECT_EQ(contents[1].where.length.value, 384 * k_extent);
  for (const Content& content : contents) {
    EXPECT_EQ(content.why, "");
    EXPECT_GT(total(content.free), 1536 * k_kib) << content.name;
    for (const ByteRange& range : content.free) {
      std::fill_n(disk.begin() + static_cast<long>(range.offset.value), range.length.value,
                  std::byte{0xe7});
    }
  }
  const auto write_out = [&](const std::filesystem::path& file,
                             const std::vector<std::pair<std::size_t, std::size_t>>& pieces) {
    std::ofstream out(file, std::ios::binary | std::ios::trunc);
    for (const auto& [at, count] : pieces) {
      out.write(reinterpret_cast<const char*>(disk.data()) + k_before + k_mib + at * k_extent,
                static_cast<std::streamsize>(count * k_extent));
    }
  };
  write_out(ext, {{300, 100}, {100, 150}, {500, 134}});
  run({"e2fsck", "-fn", ext.string()});
  std::filesystem::create_directory(path("out"));
  run({"debugfs", "-R", "rdump / " + path("out").string(), ext.string()});
  std::filesystem::remove(path("out") / "lost+found");
  run({"diff", "-r", path("tree").string(), path("out").string()});
  write_out(xfs, {{700, 1024}});
  run({"xfs_repair", "-n", "-f", xfs.string()});
}

}  // namespace
}  // namespace vmconvert::allocation
