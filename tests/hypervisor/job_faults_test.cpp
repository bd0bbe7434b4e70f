// Disks that fail under a conversion: bad sectors of the source, errors on the target.
#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/fd.hpp"
#include "base/text.hpp"
#include "disk/allocation_map.hpp"
#include "host/lvm.hpp"
#include "job_support.hpp"
#include "test_paths.hpp"

namespace vmconvert::job {
namespace {

using testing::HasSubstr;

const std::filesystem::path k_path = "/dev/vg-a/web-vda";
constexpr std::uint64_t k_size = 24 * k_mib;
const std::filesystem::path k_failing = "/dev/mapper/failing";

std::optional<host::LogicalVolume> made(const std::string& group = k_group) {
  return host::logical_volume(commands(), {group, "web-vda"});
}

// A device over the spare disk, from its second MiB on: LVM must not see the same twice.
std::string linear(std::uint64_t from, std::uint64_t to) {
  return fmt::format("{} {} linear {} {}\n", from / 512, (to - from) / 512, k_spare_disk,
                     (from + k_mib) / 512);
}

void make_device(std::uint64_t size) {
  run_or_throw(commands(), {{"dmsetup", "create", "failing"}, linear(0, size)});
}

void reload(const std::string& table) {
  run_or_throw(commands(), {{"dmsetup", "reload", "failing"}, table});
  run({"dmsetup", "suspend", "failing"});
  run({"dmsetup", "resume", "failing"});
}

// Whoever touches [from, to) gets EIO.
void break_device(std::uint64_t size, std::uint64_t from, std::uint64_t to) {
  reload(linear(0, from) + fmt::format("{} {} error\n", from / 512, (to - from) / 512) +
         linear(to, size));
}

void write_text(const std::filesystem::path& path, const std::vector<std::byte>& bytes) {
  const Fd fd = open_file(path, O_WRONLY | O_CREAT | O_TRUNC);
  pwrite_exactly(fd.get(), bytes, 0, path.string());
}

class Faults : public testing::Test {
 protected:
  void SetUp() override { before = lvm_state(); }
  void TearDown() override {
    run({"wipefs", "-qa", k_failing.string()});
    run({"udevadm", "settle"});
    run({"dmsetup", "remove", "--retry", "failing"});
    EXPECT_EQ(lvm_state(), before);
  }

  std::string before;
};

TEST_F(Faults, ABadSectorInUsedDataEndsTheJobAndIsNamed) {
  const std::uint64_t bad = 10 * k_mib + 12 * k_sector_size;
  make_device(k_size);
  write_device(k_failing, 0, noise(k_size, 1));
  break_device(k_size, bad, bad + k_sector_size);
  PreparedJob job(k_failing, {k_group, ""});
  const auto error = job.carry_out();
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::io);
  // Direct reads have blocks of 4 KiB: that one.
  EXPECT_THAT(error->message(), HasSubstr(fmt::format("disk xvda (/dev/mapper/failing) at byte {}",
                                                      bad / 4096 * 4096)));
  EXPECT_FALSE(made());
  EXPECT_EQ(job.view().state_text(), "failed");
  EXPECT_THAT(job.view().record.error, HasSubstr("/dev/mapper/failing"));
}

// With --bad-sectors=map a bad sector costs just itself, and the file that it was in is named: here
// in a bare filesystem, whose disk is put together.
TEST_F(Faults, ABadSectorIsZerosAndOnTheMapWhereThatIsAskedFor) {
  make_device(k_size);
  run({"mkfs.ext4", "-q", "-b", "1024", k_failing.string()});
  const std::filesystem::path file = std::filesystem::temp_directory_path() / "needle";
  std::vector<std::byte> needle = noise(8192, 5);
  write_text(file, needle);
  run({"debugfs", "-w", "-R", fmt::format("write {} needle", file.string()), k_failing.string()});
  run({"udevadm", "settle"});
  std::vector<std::byte> expected = read_device(k_failing, 0, k_size);
  const auto found =
      std::search(expected.begin(), expected.end(), needle.begin(), needle.begin() + 1024);
  ASSERT_NE(found, expected.end());
  const auto bad = static_cast<std::uint64_t>(found - expected.begin()) + k_sector_size;
  break_device(k_size, bad, bad + k_sector_size);
  std::fill_n(expected.begin() + static_cast<long>(bad), k_sector_size, std::byte{0});

  PreparedJob job(k_failing, {k_group, ""}, {}, disk::OnBadSector::map);
  const auto error = job.carry_out();
  ASSERT_FALSE(error) << error->message();
  EXPECT_TRUE(read_device(k_path, k_mib, k_size) == expected) << "512 bytes, no more";
  const std::string map = read_text_file(job.state() / "jobs" / job.id() / "kept" / "xvda.mapfile");
  EXPECT_THAT(map, HasSubstr(fmt::format("0x{:08X}  0x00000200  -\n", bad)));
  const model::Findings& findings = job.result().findings;
  const auto told = std::find_if(findings.begin(), findings.end(), [](const model::Finding& each) {
    return each.id == "bad-sectors";
  });
  ASSERT_NE(told, findings.end());
  EXPECT_THAT(told->message, HasSubstr("512 bytes in 1 places"));
  EXPECT_THAT(told->message, HasSubstr("partition 1"));
  EXPECT_THAT(told->message, HasSubstr("/needle"));
  verify_job(job.state(), job.id(), commands(), {});
  job.undo();
}

// Less than 64 KiB between used ranges is read along with them.
TEST_F(Faults, ABadSectorInASmallGapDoesNotMatter) {
  const std::uint64_t gap = 10 * k_mib;
  make_device(k_size);
  std::vector<std::byte> expected = noise(k_size, 3);
  write_device(k_failing, 0, expected);
  break_device(k_size, gap + 16 * k_kib, gap + 20 * k_kib);
  PreparedJob job(k_failing, {k_group, ""}, {{{gap}, {40 * k_kib}}});
  const auto error = job.carry_out();
  ASSERT_FALSE(error) << error->message();
  std::fill_n(expected.begin() + gap, 40 * k_kib, std::byte{0});
  EXPECT_TRUE(read_device(k_path, 0, k_size) == expected);
  job.undo();
}

TEST_F(Faults, ABadSectorInTheFreeSpaceOfAFilesystemDoesNotMatter) {
  make_device(k_size);
  run({"mkfs.ext4", "-q", k_failing.string()});
  run({"udevadm", "settle"});
  const auto free =
      disk::read_allocation(k_failing, "xvda", {{{}, {k_size}}},
                            vmconvert::test::build_dir() / "vmconvert-allocation", commands())
          .free;
  ASSERT_FALSE(free.empty());
  std::vector<std::byte> expected = read_device(k_failing, 0, k_size);
  for (const model::ByteRange& range : free) {
    std::fill_n(expected.begin() + static_cast<long>(range.offset.value), range.length.value,
                std::byte{0});
  }
  const std::uint64_t bad = free.back().offset.value + free.back().length.value / 8192 * 4096;
  break_device(k_size, bad, bad + 4096);
  EXPECT_THROW(read_device(k_failing, bad, 4096), Error);
  PreparedJob job(k_failing, {k_group, ""}, free);
  const auto error = job.carry_out();
  ASSERT_FALSE(error) << error->message();
  // The bare filesystem has become a partition.
  EXPECT_TRUE(read_device(k_path, k_mib, k_size) == expected);
  run({"e2fsck", "-fn", k_path.string() + "?offset=1048576"});
  job.undo();
}

// A second group, on a disk that takes no more writes from some byte on.
TEST_F(Faults, AnErrorOnTheTargetEndsTheJobAndRemovesTheVolume) {
  run({"lvcreate", "-qy", "-L", "24m", "-n", "source", k_group});
  write_device("/dev/vg-a/source", 0, noise(k_size, 2));
  const std::uint64_t disk = 64 * k_mib;
  make_device(disk);
  run({"pvcreate", "-qy", k_failing.string()});
  run({"vgcreate", "-q", "vg-b", k_failing.string()});
  const std::string with_group = lvm_state();
  PreparedJob job("/dev/vg-a/source", {"vg-b", ""});
  break_device(disk, 9 * k_mib, 13 * k_mib);
  const auto error = job.carry_out();
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::io);
  EXPECT_THAT(error->message(), HasSubstr("/dev/vg-b/web-vda"));
  EXPECT_THAT(error->message(), HasSubstr("byte 8388608")) << "the pv's data begins at 1 MiB";
  EXPECT_FALSE(made("vg-b"));
  EXPECT_EQ(job.view().state_text(), "failed");
  EXPECT_EQ(lvm_state(), with_group);
  reload(linear(0, disk));
  run({"vgremove", "-qy", "vg-b"});
  run({"pvremove", "-qy", k_failing.string()});
  run({"lvremove", "-qy", "vg-a/source"});
}

}  // namespace
}  // namespace vmconvert::job
