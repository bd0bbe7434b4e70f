#include "disk/source.hpp"

#include <gmock/gmock.h>

#include "base/error.hpp"
#include "disk/layout_reader.hpp"
#include "disk/nbd_client.hpp"
#include "disk/partition_table.hpp"
#include "unit/disk_scratch.hpp"

namespace vmconvert::disk {
namespace {

using model::DiskFormat;
using model::SegmentKind;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class Source : public Scratch {
 protected:
  void add_source(const std::filesystem::path& path, DiskFormat format = DiskFormat::raw) {
    model::DomainDisk disk;
    disk.target = "xvda" + std::to_string(m_domain.disks.size() + 1);
    disk.source = path;
    disk.format = format;
    m_domain.disks.push_back(disk);
  }
  // The bytes that qemu sees, by way of an image that has the backing's content.
  Bytes as_qemu_sees(const Backing& backing) {
    const std::filesystem::path out = m_folder.path() / "seen";
    run({"qemu-img", "convert", "-f", model::to_string(backing.format), "-O", "raw",
         backing.filename, out.string()});
    return read_file(out);
  }
  model::TargetDisk disk_of(std::vector<model::Segment> segments) {
    model::TargetDisk disk;
    disk.name = "vda";
    disk.segments = std::move(segments);
    for (const model::Segment& segment : disk.segments) {
      disk.size = disk.size + segment.length;
    }
    return disk;
  }

  model::Domain m_domain;
};

TEST_F(Source, IsTheFileItselfForAWholeDisk) {
  const Bytes bytes = random_bytes(3 * k_mib + 512, 1);
  const auto raw = write("whole.raw", bytes);
  add_source(raw);
  DiskSource source(disk_of({{SegmentKind::source, ByteCount{bytes.size()}, 0, {}}}), m_domain,
                    folders());
  EXPECT_EQ(source.backing().filename, raw.string());
  EXPECT_EQ(source.backing().format, DiskFormat::raw);
  EXPECT_EQ(read_all(*source.open_reader()), bytes);
  EXPECT_EQ(children(), std::vector<std::string>{});
}

TEST_F(Source, PadsAnOddFileAsQemuDoes) {
  Bytes bytes = random_bytes(k_mib + 100, 2);
  add_source(write("odd.raw", bytes));
  DiskSource source(disk_of({{SegmentKind::source, ByteCount{bytes.size()}, 0, {}},
                             {SegmentKind::zero, ByteCount{412}}}),
                    m_domain, folders());
  bytes.resize(k_mib + 512);
  EXPECT_EQ(read_all(*source.open_reader()), bytes);
  EXPECT_EQ(as_qemu_sees(source.backing()), bytes);
}

TEST_F(Source, ReadsTheContentOfAWholeQcow2) {
  const Bytes bytes = random_bytes(2 * k_mib, 3);
  const auto image = to_qcow2(write("whole.raw", bytes));
  add_source(image, DiskFormat::qcow2);
  DiskSource source(disk_of({{SegmentKind::source, ByteCount{bytes.size()}, 0, {}}}), m_domain,
                    folders());
  EXPECT_EQ(source.backing().filename, image.string());
  EXPECT_EQ(source.backing().format, DiskFormat::qcow2);
  EXPECT_EQ(read_all(*source.open_reader()), bytes);
}

TEST_F(Source, ServesAComposedDiskByteForByte) {
  const Bytes first = random_bytes(2 * k_mib + 700, 4);
  const Bytes second = random_bytes(3 * k_mib, 5);
  const auto first_path = write("first with blank.raw", first);
  const auto second_path = to_qcow2(write("second.raw", second));
  const Bytes second_image = read_file(second_path);
  add_source(first_path);
  add_source(second_path, DiskFormat::qcow2);

  const ByteCount pad{k_mib - 700};
  model::TargetDisk disk = disk_of({{SegmentKind::table, ByteCount{k_mib}},
                                    {SegmentKind::source, ByteCount{first.size()}, 0, {}},
                                    {SegmentKind::zero, pad},
                                    {SegmentKind::source, ByteCount{k_mib}, 1, ByteCount{k_mib}},
                                    {SegmentKind::zero, ByteCount{k_mib - 33 * k_sector_size}},
                                    {SegmentKind::table, from_sectors(33)}});
  disk.composed = true;
  disk.table = model::TableKind::gpt;
  disk.partitions = {{1, ByteCount{k_mib}, ByteCount{2 * k_mib + 1024}, 0x83, true, false}};

  Bytes expected = make_table(disk, table_seed(m_domain, disk));
  expected.insert(expected.end(), first.begin(), first.end());
  expected.resize(expected.size() + pad.value);
  expected.insert(expected.end(), second.begin() + k_mib, second.begin() + 2 * k_mib);
  expected.resize(expected.size() + k_mib - 33 * k_sector_size);
  const Bytes backup = make_backup_gpt(disk, table_seed(m_domain, disk));
  expected.insert(expected.end(), backup.begin(), backup.end());

  {
    DiskSource source(disk, m_domain, folders());
    EXPECT_THAT(source.backing().filename, StartsWith("nbd+unix:///?socket=/"));
    EXPECT_EQ(children().size(), 2U);
    EXPECT_TRUE(as_qemu_sees(source.backing()) == expected);
    EXPECT_TRUE(read_all(*source.open_reader()) == expected);
  }
  EXPECT_EQ(children(), std::vector<std::string>{});
  EXPECT_TRUE(read_file(first_path) == first) << "the source was changed";
  EXPECT_TRUE(read_file(second_path) == second_image) << "the source was changed";
  for (const auto& entry : std::filesystem::directory_iterator(m_folder.path())) {
    EXPECT_FALSE(entry.is_socket()) << entry.path();
  }
}

TEST_F(Source, RefusesWritesThroughTheServer) {
  add_source(write("member.raw", random_bytes(k_mib, 6)));
  model::TargetDisk disk = disk_of(
      {{SegmentKind::zero, ByteCount{k_mib}}, {SegmentKind::source, ByteCount{k_mib}, 0, {}}});
  DiskSource source(disk, m_domain, folders());
  const CommandResult result =
      m_commands.run({{"qemu-io", "-f", "raw", "-c", "write 1M 512", source.backing().filename}});
  EXPECT_NE(result.exit_code, 0);
  EXPECT_EQ(read_file(m_domain.disks[0].source), random_bytes(k_mib, 6));
}

TEST_F(Source, TellsQemuWhereZerosAre) {
  const auto sparse = m_folder.path() / "sparse.raw";
  write("sparse.raw", random_bytes(64 * k_kib, 7));
  std::filesystem::resize_file(sparse, 4 * k_mib);
  add_source(sparse);
  model::TargetDisk disk = disk_of(
      {{SegmentKind::zero, ByteCount{k_mib}}, {SegmentKind::source, ByteCount{4 * k_mib}, 0, {}}});
  DiskSource source(disk, m_domain, folders());
  const std::string map =
      run({"qemu-img", "map", "--output=json", "-f", "raw", source.backing().filename});
  EXPECT_THAT(map, HasSubstr(R"("start": 0, "length": 1048576, "depth": 0, "present": )"));
  EXPECT_THAT(map, HasSubstr(R"("start": 1048576, "length": 65536,)"));
  EXPECT_THAT(map, HasSubstr(R"("start": 1114112, "length": 4128768,)"));

  const auto reader = source.open_reader();
  EXPECT_TRUE(reader->run_at(ByteCount{0}).zero);
  EXPECT_EQ(reader->run_at(ByteCount{100}).end, ByteCount{k_mib});
  EXPECT_FALSE(reader->run_at(ByteCount{k_mib}).zero);
  EXPECT_EQ(reader->run_at(ByteCount{k_mib}).end, ByteCount{k_mib + 64 * k_kib});
  EXPECT_TRUE(reader->run_at(ByteCount{2 * k_mib}).zero);
  EXPECT_EQ(reader->run_at(ByteCount{2 * k_mib}).end, ByteCount{5 * k_mib});
}

TEST_F(Source, SaysThatASourceShrank) {
  const auto path = write("short.raw", random_bytes(k_mib, 8));
  add_source(path);
  const auto disk = disk_of({{SegmentKind::source, ByteCount{2 * k_mib}, 0, {}}});
  try {
    const DiskSource source(disk, m_domain, folders());
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::bad_input);
    EXPECT_THAT(error.message(), HasSubstr("has 1048576 bytes now, 2097152 are expected"));
  }

  const auto fits = disk_of({{SegmentKind::source, ByteCount{k_mib}, 0, {}}});
  DiskSource source(fits, m_domain, folders());
  const auto reader = source.open_reader();
  std::filesystem::resize_file(path, 1000);
  try {
    static_cast<void>(read_all(*reader));
    FAIL() << "a short source was read";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::io);
    EXPECT_THAT(error.message(), HasSubstr("short.raw"));
    EXPECT_THAT(error.message(), HasSubstr("ends at byte 1000"));
  }
}

TEST_F(Source, SaysWhyAServerDidNotStart) {
  add_source(write("member.raw", random_bytes(k_mib, 9)));
  model::TargetDisk disk = disk_of(
      {{SegmentKind::zero, ByteCount{k_mib}}, {SegmentKind::source, ByteCount{k_mib}, 0, {}}});
  SourceFolders wrong = folders();
  wrong.plugin = "/nowhere";
  try {
    const DiskSource source(disk, m_domain, wrong);
    FAIL() << "served without a plugin";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::tool_failed);
    EXPECT_THAT(error.message(), HasSubstr("/nowhere/vmconvert-layout.so"));
  }
  SourceFolders deep = folders();
  deep.sockets = m_folder.path() / std::string(100, 'x');
  std::filesystem::create_directory(deep.sockets);
  EXPECT_THROW(DiskSource(disk, m_domain, deep), Error);
}

TEST(LayoutReader, ReadsAnyRangeAcrossItsPieces) {
  const Bytes all = random_bytes(10000, 10);
  std::mt19937 random(3);
  std::vector<Piece> pieces;
  const auto memory = std::make_shared<MemoryReader>(all);
  for (std::size_t at = 0; at < all.size();) {
    const std::size_t length = std::min<std::size_t>(random() % 700, all.size() - at);
    pieces.push_back({memory, ByteCount{at}, ByteCount{length}});
    at += length;
  }
  LayoutReader reader(std::move(pieces));
  ASSERT_EQ(reader.size(), ByteCount{all.size()});
  for (int round = 0; round < 500; ++round) {
    const std::size_t from = random() % all.size();
    const std::size_t length = random() % (all.size() - from + 1);
    Bytes part(length);
    reader.read(part, ByteCount{from});
    EXPECT_TRUE(std::equal(part.begin(), part.end(), all.begin() + static_cast<long>(from)));
  }
  Bytes beyond(1);
  EXPECT_THROW(reader.read(beyond, ByteCount{all.size()}), Error);
}

}  // namespace
}  // namespace vmconvert::disk
