#include "disk/condition.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/subprocess.hpp"
#include "base/temp_dir.hpp"
#include "disk/bytes.hpp"
#include "disk/file_reader.hpp"
#include "disk/image_header.hpp"
#include "disk/probe.hpp"

namespace vmconvert::disk {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

void run(const std::vector<std::string>& argv) {
  RealCommandRunner commands;
  static_cast<void>(run_or_throw(commands, {argv}));
}

struct ConditionOf {
  TempDir temp{fs::temp_directory_path(), "vmconvert-test"};

  [[nodiscard]] std::string path(const std::string& name) const { return temp.path() / name; }
  [[nodiscard]] std::string sized(const std::string& name, std::uint64_t size) const {
    run({"truncate", "-s", std::to_string(size), path(name)});
    return path(name);
  }
  [[nodiscard]] static model::Region region_of(const std::string& path) {
    FileReader content(path, "the test's disk");
    return read_region(content, {}, content.size());
  }
};

void put(std::vector<std::byte>& bytes, std::size_t at, std::string_view text) {
  std::memcpy(bytes.data() + at, text.data(), text.size());
}

model::Region region_of(std::vector<std::byte> bytes) {
  MemoryReader content(std::move(bytes));
  return read_region(content, {}, content.size());
}

TEST(Region, ReadsWhatMke2fsWrote) {
  const ConditionOf scratch;
  const std::string disk = scratch.sized("ext", 8 * k_mib);
  run({"mke2fs", "-q", "-F", "-t", "ext4", "-L", "data", "-U",
       "01234567-89ab-cdef-0123-456789abcdef", disk});
  model::Region region = ConditionOf::region_of(disk);
  EXPECT_EQ(region.type, "ext");
  EXPECT_EQ(region.label, "data");
  EXPECT_EQ(region.uuid, "01234567-89ab-cdef-0123-456789abcdef");
  EXPECT_FALSE(region.dirty);
  EXPECT_FALSE(region.errors);
  run({"debugfs", "-w", "-R", "feature needs_recovery", disk});
  EXPECT_TRUE(ConditionOf::region_of(disk).dirty);
  run({"debugfs", "-w", "-R", "feature -needs_recovery", disk});
  EXPECT_FALSE(ConditionOf::region_of(disk).dirty);
  run({"debugfs", "-w", "-R", "ssv state 3", disk});
  EXPECT_TRUE(ConditionOf::region_of(disk).errors);
}

TEST(Region, ReadsWhatMkfsXfsAndMkswapWrote) {
  const ConditionOf scratch;
  const std::string xfs = scratch.sized("xfs", 320 * k_mib);
  run({"mkfs.xfs", "-q", "-L", "srv", "-m", "uuid=01234567-89ab-cdef-0123-456789abcdef", xfs});
  model::Region region = ConditionOf::region_of(xfs);
  EXPECT_EQ(region.type, "xfs");
  EXPECT_EQ(region.label, "srv");
  EXPECT_EQ(region.uuid, "01234567-89ab-cdef-0123-456789abcdef");
  const std::string swap = scratch.sized("swap", k_mib);
  run({"mkswap", "-q", "-L", "sw", "-U", "01234567-89ab-cdef-0123-456789abcdef", swap});
  region = ConditionOf::region_of(swap);
  EXPECT_EQ(region.type, "swap");
  EXPECT_EQ(region.label, "sw");
  EXPECT_EQ(region.uuid, "01234567-89ab-cdef-0123-456789abcdef");
  EXPECT_FALSE(region.hibernated);
}

TEST(Region, KnowsAHibernatedSystemInSwap) {
  for (const char* signature : {"S1SUSPEND", "S2SUSPEND", "ULSUSPEND", "LINHIB0001"}) {
    std::vector<std::byte> bytes(k_mib);
    put(bytes, 4096 - 10, signature);
    const model::Region region = region_of(bytes);
    EXPECT_EQ(region.type, "swap") << signature;
    EXPECT_TRUE(region.hibernated) << signature;
  }
}

TEST(Region, KnowsRaidMembersOfBothVersions) {
  std::vector<std::byte> bytes(k_mib);
  store_le<std::uint32_t>(bytes, 4096, 0xa92b4efc);
  store_le<std::uint32_t>(bytes, 4100, 1);
  store_le<std::uint32_t>(bytes, 4096 + 92, 3);
  put(bytes, 4096 + 16, "0123456789abcdef");
  model::Region region = region_of(bytes);
  EXPECT_EQ(region.type, "linux_raid_member");
  EXPECT_EQ(region.raid_disks, 3U);
  EXPECT_EQ(region.raid_set, "30313233-3435-3637-3839-616263646566");

  bytes.assign(k_mib, std::byte{0});
  const std::size_t at = k_mib - 64 * k_kib;
  store_le<std::uint32_t>(bytes, at, 0xa92b4efc);
  store_le<std::uint32_t>(bytes, at + 40, 2);
  store_le<std::uint32_t>(bytes, at + 20, 0x11111111);
  region = region_of(bytes);
  EXPECT_EQ(region.type, "linux_raid_member");
  EXPECT_EQ(region.raid_disks, 2U);
  EXPECT_THAT(region.raid_set, HasSubstr("11111111-"));
}

TEST(Region, KnowsBcacheZfsAndBitLocker) {
  std::vector<std::byte> bytes(k_mib);
  put(bytes, 4096 + 24, "\xc6\x85\x73\xf6\x4e\x1a\x45\xca\x82\x65\xf5\x7f\x48\xba\x6d\x81");
  EXPECT_EQ(region_of(bytes).type, "bcache");
  bytes.assign(k_mib, std::byte{0});
  store_le<std::uint64_t>(bytes, 128 * k_kib + 5 * k_kib, 0x00bab10c);
  EXPECT_EQ(region_of(bytes).type, "zfs_member");
  bytes.assign(k_mib, std::byte{0});
  put(bytes, 3, "-FVE-FS-");
  EXPECT_EQ(region_of(bytes).type, "BitLocker");
  bytes.assign(k_mib, std::byte{0});
  EXPECT_EQ(region_of(bytes).type, "");
}

TEST(Region, ReadsTheNameOfAVolumeGroup) {
  std::vector<std::byte> bytes(k_mib);
  put(bytes, 512, "LABELONE");
  put(bytes, 512 + 24, "LVM2 001");
  put(bytes, 512 + 32, "abcdefghijklmnopqrstuvwxyz012345");
  store_le<std::uint64_t>(bytes, 512 + 72, k_mib);      // the data area, to the end
  store_le<std::uint64_t>(bytes, 512 + 72 + 32, 4096);  // the metadata area
  store_le<std::uint64_t>(bytes, 512 + 72 + 40, 61440);
  put(bytes, 4096 + 4, " LVM2 x[5A%r0N*>");
  store_le<std::uint64_t>(bytes, 4096 + 40, 512);
  const std::string text = "vg_guest {\nid = \"Ab1-Cd2\"\nseqno = 1\n}\n";
  store_le<std::uint64_t>(bytes, 4096 + 48, text.size());
  put(bytes, 4096 + 512, text);
  model::Region region = region_of(bytes);
  EXPECT_EQ(region.type, "LVM2_member");
  EXPECT_EQ(region.group_name, "vg_guest");
  EXPECT_EQ(region.group_uuid, "Ab1-Cd2");
  store_le<std::uint64_t>(bytes, 4096 + 40, ~std::uint64_t{0});
  region = region_of(bytes);
  EXPECT_EQ(region.group_name, "") << "a lie about the place of the text";
}

TEST(Region, SurvivesSmallAndRandomDisks) {
  for (const std::size_t size : {0U, 1U, 511U, 512U, 4095U, 66000U, 300000U}) {
    std::vector<std::byte> bytes(size, std::byte{0xff});
    EXPECT_NO_THROW(static_cast<void>(region_of(bytes))) << size;
  }
}

TEST(Condition, FindsPartitionsAndAMisplacedBackup) {
  const ConditionOf scratch;
  const std::string disk = scratch.sized("gpt", 16 * k_mib);
  RealCommandRunner commands;
  static_cast<void>(run_or_throw(
      commands, {.argv = {"sfdisk", "-q", disk},
                 .stdin_text = "label: gpt\nstart=2048,size=8192\nstart=12288,size=4096\n"}));
  const auto read = [&] {
    FileReader content(disk, "the test's disk");
    return read_condition(content, probe_content(content));
  };
  model::DiskCondition condition = read();
  ASSERT_EQ(condition.regions.size(), 2U);
  EXPECT_EQ(condition.regions[1].partition, 2U);
  EXPECT_EQ(condition.regions[1].size, (ByteCount{2 * k_mib}));
  EXPECT_FALSE(condition.hybrid_mbr);
  EXPECT_FALSE(condition.backup_table);
  static_cast<void>(scratch.sized("gpt", 20 * k_mib));
  condition = read();
  ASSERT_TRUE(condition.backup_table);
  EXPECT_EQ(*condition.backup_table, (ByteCount{16 * k_mib - 512}));
}

TEST(ImageHeader, ReadsWhatQemuWrote) {
  const ConditionOf scratch;
  const std::string image = scratch.path("a.qcow2");
  run({"qemu-img", "create", "-q", "-f", "qcow2", image, "8M"});
  model::ImageHeader header = read_image_header(image, "a");
  EXPECT_THAT(header.chain, IsEmpty());
  EXPECT_THAT(header.snapshots, IsEmpty());
  EXPECT_FALSE(header.dirty);
  EXPECT_FALSE(header.corrupt);
  run({"qemu-img", "snapshot", "-c", "before upgrade", image});
  run({"qemu-img", "snapshot", "-c", "second", image});
  EXPECT_THAT(read_image_header(image, "a").snapshots, ElementsAre("before upgrade", "second"));
}

TEST(ImageHeader, FollowsTheChainWithoutOpeningRawLayers) {
  const ConditionOf scratch;
  run({"qemu-img", "create", "-q", "-f", "raw", scratch.path("base.raw"), "8M"});
  run({"qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", "base.raw",
       scratch.path("middle.qcow2")});
  run({"qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", scratch.path("middle.qcow2"),
       scratch.path("top.qcow2")});
  EXPECT_THAT(read_image_header(scratch.path("top.qcow2"), "top").chain,
              ElementsAre(scratch.path("middle.qcow2"), scratch.path("base.raw")));
}

TEST(ImageHeader, NamesADataFileAndOtherProtocols) {
  const ConditionOf scratch;
  run({"qemu-img", "create", "-q", "-f", "qcow2", "-o",
       "data_file=" + scratch.path("d.raw") + ",data_file_raw=on", scratch.path("a.qcow2"), "8M"});
  EXPECT_THAT(read_image_header(scratch.path("a.qcow2"), "a").chain,
              ElementsAre(scratch.path("d.raw")));
  run({"qemu-img", "create", "-q", "-u", "-f", "qcow2", "-F", "raw", "-b", "nbd://10.0.0.1/secret",
       scratch.path("b.qcow2"), "8M"});
  EXPECT_THAT(read_image_header(scratch.path("b.qcow2"), "b").chain,
              ElementsAre("nbd://10.0.0.1/secret"));
}

TEST(ImageHeader, ReadsFlagsAndRefusesOtherThings) {
  const ConditionOf scratch;
  const std::string image = scratch.path("a.qcow2");
  run({"qemu-img", "create", "-q", "-f", "qcow2", image, "8M"});
  const auto set_features = [&](char value) {
    const Fd fd(::open(image.c_str(), O_WRONLY | O_CLOEXEC));
    ASSERT_EQ(::pwrite(fd.get(), &value, 1, 79), 1);
  };
  set_features(1);
  EXPECT_TRUE(read_image_header(image, "a").dirty);
  set_features(2);
  EXPECT_TRUE(read_image_header(image, "a").corrupt);
  EXPECT_THROW(read_image_header(scratch.sized("raw", k_mib), "raw"), Error);
}

TEST(ImageHeader, EndsAChainThatBitesItsTail) {
  const ConditionOf scratch;
  run({"qemu-img", "create", "-q", "-u", "-f", "qcow2", "-F", "qcow2", "-b", "a.qcow2",
       scratch.path("a.qcow2"), "8M"});
  EXPECT_EQ(read_image_header(scratch.path("a.qcow2"), "a").chain.size(), 16U);
}

}  // namespace
}  // namespace vmconvert::disk
