#include "disk/bad_sectors.hpp"

#include <gmock/gmock.h>

#include "base/error.hpp"
#include "disk/file_reader.hpp"
#include "disk/read_error.hpp"
#include "unit/disk_scratch.hpp"

namespace vmconvert::disk {
namespace {

using model::ByteRange;
using testing::HasSubstr;

// Fails each request that touches one of these ranges, as a device does.
class FlakyReader final : public BlockReader {
 public:
  FlakyReader(const Bytes& bytes, std::vector<ByteRange> bad, int code)
      : m_bytes(bytes), m_bad(std::move(bad)), m_code(code) {}
  [[nodiscard]] ByteCount size() const override { return {m_bytes.size()}; }
  void read(std::span<std::byte> buffer, ByteCount offset) override {
    for (const ByteRange& bad : m_bad) {
      if (bad.offset < offset + ByteCount{buffer.size()} && offset < bad.offset + bad.length) {
        throw ReadError(m_code, "reading");
      }
    }
    std::copy_n(m_bytes.begin() + static_cast<long>(offset.value), buffer.size(), buffer.begin());
  }

 private:
  const Bytes& m_bytes;
  std::vector<ByteRange> m_bad;
  int m_code;
};

class Salvage : public Scratch {
 protected:
  Bytes m_bytes = random_bytes(256 * k_kib, 3);
  std::filesystem::path m_map = m_folder.path() / "map";
};

TEST_F(Salvage, ABadSectorCostsJustItself) {
  for (const int code : {EIO, ENODATA, EILSEQ}) {
    const std::vector<ByteRange> lost = {{{5 * 512}, {512}}, {{100 * k_kib}, {1024}}};
    BadSectors bad(m_map, {m_bytes.size()}, "disk xvda");
    SalvageReader reader(std::make_shared<FlakyReader>(m_bytes, lost, code), bad);
    Bytes expected = m_bytes;
    std::fill_n(expected.begin() + 5 * 512, 512, std::byte{0});
    std::fill_n(expected.begin() + 100 * k_kib, 1024, std::byte{0});
    EXPECT_TRUE(read_all(reader) == expected);
    ASSERT_EQ(bad.ranges().size(), 2U);
    EXPECT_EQ(bad.ranges()[1].offset.value, 100 * k_kib);
    EXPECT_EQ(bad.ranges()[1].length.value, 1024U);
    // A later process knows of it, also when it does not read there again.
    const BadSectors again(m_map, {m_bytes.size()}, "disk xvda");
    EXPECT_EQ(again.ranges().size(), 2U);
    std::filesystem::remove(m_map);
  }
}

TEST_F(Salvage, AnyOtherErrorIsNoZeros) {
  for (const int code : {ENXIO, ENODEV, EINVAL, EAGAIN, ENOMEM, EACCES}) {
    BadSectors bad(m_map, {m_bytes.size()}, "disk xvda");
    SalvageReader reader(
        std::make_shared<FlakyReader>(m_bytes, std::vector<ByteRange>{{{0}, {512}}}, code), bad);
    EXPECT_THROW(read_all(reader), Error) << code;
    EXPECT_TRUE(bad.ranges().empty());
    EXPECT_FALSE(std::filesystem::exists(m_map));
  }
  // A file that ends too early, from the real reader.
  const auto path = m_folder.path() / "short.img";
  std::ofstream(path) << "short";
  BadSectors bad(m_map, {5}, "disk xvda");
  SalvageReader reader(std::make_shared<FileReader>(path, "disk xvda"), bad);
  Bytes buffer(4096);
  EXPECT_THROW(reader.read(buffer, {}), Error);
  EXPECT_TRUE(bad.ranges().empty());
}

TEST_F(Salvage, ADeviceThatIsGoneIsNotMapped) {
  const ByteCount size{k_gib};
  BadSectors bad({}, size, "disk xvda (/dev/sdz)");
  try {
    bad.add({{{}, size}});
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::io);
    EXPECT_THAT(error.message(), HasSubstr("/dev/sdz"));
  }
}

TEST(Mapfile, IsOneOfDdrescues) {
  const std::vector<ByteRange> bad = {{{0x117000}, {0x200}}, {{0x300000}, {0x1000}}};
  const std::string text = to_mapfile(bad, {0x400000});
  EXPECT_EQ(text,
            "# Mapfile. Created by vmconvert; positions are of the source.\n"
            "# current_pos  current_status  current_pass\n"
            "0x00000000     +               1\n"
            "#      pos        size  status\n"
            "0x00000000  0x00117000  +\n"
            "0x00117000  0x00000200  -\n"
            "0x00117200  0x001E8E00  +\n"
            "0x00300000  0x00001000  -\n"
            "0x00301000  0x000FF000  +\n");
  const auto again = parse_mapfile(text, {0x400000}, "map");
  ASSERT_EQ(again.size(), 2U);
  EXPECT_EQ(again[0].offset.value, 0x117000U);
  EXPECT_THROW(parse_mapfile(text, {0x200000}, "map"), Error);
  EXPECT_THROW(parse_mapfile("0 + 1\n0x0 0x10 +\n0x20 0x10 -\n", {0x30}, "map"), Error);
  EXPECT_THROW(parse_mapfile("0 + 1\nrubbish\n", {0x30}, "map"), Error);
  EXPECT_THROW(parse_mapfile("0 + 1\n0x0 0xffffffffffffffff +\n", {0x30}, "map"), Error);
}

}  // namespace
}  // namespace vmconvert::disk
