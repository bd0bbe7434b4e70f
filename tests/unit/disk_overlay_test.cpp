#include "disk/overlay.hpp"

#include <gmock/gmock.h>

#include "base/error.hpp"
#include "unit/disk_scratch.hpp"

namespace vmconvert::disk {
namespace {

using model::Extent;
using model::ExtentKind;
using ::testing::ElementsAre;

// As qemu-img 7.2 printed it for an overlay over nbdkit with our plugin: a table of one sector, a
// cluster written in the gap, a member of which the first cluster was discarded.
constexpr const char* k_recorded = R"([
{ "start": 0, "length": 512, "depth": 1, "present": true, "zero": false, "data": true, "offset": 0},
{ "start": 512, "length": 523776, "depth": 1, "present": true, "zero": true, "data": false, "offset": 512},
{ "start": 524288, "length": 65536, "depth": 0, "present": true, "zero": false, "data": true, "offset": 327680},
{ "start": 589824, "length": 458752, "depth": 1, "present": true, "zero": true, "data": false, "offset": 589824},
{ "start": 1048576, "length": 65536, "depth": 0, "present": true, "zero": true, "data": false},
{ "start": 1114112, "length": 65536, "depth": 1, "present": true, "zero": false, "data": true, "offset": 1114112},
{ "start": 1179648, "length": 917504, "depth": 1, "present": true, "zero": true, "data": false, "offset": 1179648}])";

TEST(OverlayMap, BecomesExtentsWithNeighboursMerged) {
  EXPECT_THAT(
      parse_map(k_recorded, ByteCount{2 * k_mib}),
      ElementsAre(extent(0, 512, ExtentKind::needed), extent(512, 523776, ExtentKind::skipped),
                  extent(524288, 65536, ExtentKind::patched),
                  extent(589824, 458752 + 65536, ExtentKind::skipped),
                  extent(1114112, 65536, ExtentKind::needed),
                  extent(1179648, 917504, ExtentKind::skipped)));
}

TEST(OverlayMap, TakesADeviceThatSaysAllIsData) {
  EXPECT_THAT(
      parse_map(R"([{"start": 0, "length": 4096, "depth": 1, "zero": false, "data": true}])",
                ByteCount{4096}),
      ElementsAre(extent(0, 4096, ExtentKind::needed)));
}

TEST(OverlayMap, NeverSkipsWhatIsNotKnownToBeZero) {
  EXPECT_THAT(
      parse_map(R"([{"start": 0, "length": 4096, "depth": 0, "zero": false, "data": false}])",
                ByteCount{4096}),
      ElementsAre(extent(0, 4096, ExtentKind::needed)));
}

TEST(OverlayMap, EndsWhereTheDiskEnds) {
  EXPECT_THAT(parse_map(R"([{"start": 0, "length": 8192, "depth": 1, "zero": false, "data": true},
                            {"start": 8192, "length": 512, "depth": 1, "zero": true, "data": false}])",
                        ByteCount{5000}),
              ElementsAre(extent(0, 5000, ExtentKind::needed)));
}

TEST(OverlayMap, RefusesHolesOverlapsAndNonsense) {
  for (const char* json :
       {"", "{", "[]", "[1]", R"([{"start": 0}])",
        R"([{"start": 0, "length": 100, "depth": 0, "zero": false, "data": true}])",
        R"([{"start": 8, "length": 4088, "depth": 0, "zero": false, "data": true}])",
        R"([{"start": 0, "length": 2048, "depth": 0, "zero": true, "data": true},
            {"start": 1024, "length": 3072, "depth": 0, "zero": true, "data": true}])"}) {
    EXPECT_THROW(static_cast<void>(parse_map(json, ByteCount{4096})), Error) << json;
  }
}

class Overlay : public Scratch {};

TEST_F(Overlay, TakesChangesAndLeavesTheSourceAlone) {
  Bytes bytes = random_bytes(4 * k_mib, 1);
  std::fill(bytes.begin() + k_mib, bytes.begin() + 2 * k_mib, std::byte{0});
  const auto raw = write("source.raw", bytes);
  run({"fallocate", "--punch-hole", "-o", "1M", "-l", "1M", raw.string()});
  const auto overlay = m_folder.path() / "overlay.qcow2";
  const ByteCount size{bytes.size()};
  create_overlay(overlay, {raw.string(), model::DiskFormat::raw}, size, m_commands);
  EXPECT_THAT(
      map_overlay(overlay, size, m_commands),
      ElementsAre(extent(0, k_mib, ExtentKind::needed), extent(k_mib, k_mib, ExtentKind::skipped),
                  extent(2 * k_mib, 2 * k_mib, ExtentKind::needed)));

  run({"qemu-io", "-f", "qcow2", "-c", "write -P 7 0 64k", "-c", "discard 3M 64k",
       overlay.string()});
  EXPECT_THAT(map_overlay(overlay, size, m_commands),
              ElementsAre(extent(0, 65536, ExtentKind::patched),
                          extent(65536, k_mib - 65536, ExtentKind::needed),
                          extent(k_mib, k_mib, ExtentKind::skipped),
                          extent(2 * k_mib, k_mib, ExtentKind::needed),
                          extent(3 * k_mib, 65536, ExtentKind::skipped),
                          extent(3 * k_mib + 65536, k_mib - 65536, ExtentKind::needed)));
  EXPECT_TRUE(read_file(raw) == bytes) << "the source was changed";
}

TEST_F(Overlay, OfSmallPiecesDropsASingleBlock) {
  const auto raw = write("source.raw", random_bytes(k_mib, 1));
  const ByteCount size{k_mib};
  for (const auto& [name, pieces, dropped] :
       {std::tuple("usual.qcow2", OverlayPieces::usual, std::uint64_t{0}),
        std::tuple("small.qcow2", OverlayPieces::small, std::uint64_t{4096})}) {
    const auto overlay = m_folder.path() / name;
    create_overlay(overlay, {raw.string(), model::DiskFormat::raw}, size, m_commands, pieces);
    run({"qemu-io", "-f", "qcow2", "-c", "discard 68k 4k", overlay.string()});
    ByteCount skipped;
    for (const Extent& extent : map_overlay(overlay, size, m_commands)) {
      skipped = skipped + (extent.kind == ExtentKind::skipped ? extent.length : ByteCount{});
    }
    EXPECT_EQ(skipped.value, dropped) << name;
  }
}

TEST_F(Overlay, IsMadeOverAComposedDisk) {
  model::Domain domain;
  domain.disks.emplace_back();
  domain.disks[0].target = "xvda1";
  domain.disks[0].source = write("member.raw", random_bytes(k_mib, 2));
  model::TargetDisk disk;
  disk.name = "vda";
  disk.size = ByteCount{2 * k_mib};
  disk.composed = true;
  disk.table = model::TableKind::mbr;
  disk.segments = {{model::SegmentKind::table, ByteCount{k_mib}},
                   {model::SegmentKind::source, ByteCount{k_mib}, 0, {}}};
  disk.partitions = {{1, ByteCount{k_mib}, ByteCount{k_mib}, 0x83, true, false}};
  const DiskSource source(disk, domain, folders());
  const auto overlay = m_folder.path() / "overlay.qcow2";
  create_overlay(overlay, source.backing(), disk.size, m_commands);
  const auto extents = map_overlay(overlay, disk.size, m_commands);
  const model::ExtentTotals sum = model::totals(extents);
  EXPECT_EQ(sum.patched.value, 0U);
  EXPECT_GE(sum.needed.value, k_mib);
  EXPECT_LT(sum.needed.value, k_mib + 128 * k_kib) << "the gap's zeros are not seen";
}

TEST_F(Overlay, DoesNotReplaceAFile) {
  const auto raw = write("source.raw", random_bytes(k_mib, 3));
  const auto there = write("overlay.qcow2", random_bytes(100, 4));
  EXPECT_THROW(
      create_overlay(there, {raw.string(), model::DiskFormat::raw}, ByteCount{k_mib}, m_commands),
      Error);
  EXPECT_EQ(read_file(there), random_bytes(100, 4));
}

}  // namespace
}  // namespace vmconvert::disk
