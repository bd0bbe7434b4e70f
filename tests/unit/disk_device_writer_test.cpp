// Writing to a block device: a loop device of the test's own.
#include "disk/device_writer.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/error.hpp"
#include "disk/copy.hpp"
#include "disk/file_reader.hpp"
#include "disk/verify.hpp"
#include "unit/disk_scratch.hpp"

namespace vmconvert::disk {
namespace {

using model::Extent;
using model::ExtentKind;
using testing::HasSubstr;

class DeviceWriterTest : public Scratch {
 protected:
  static constexpr std::size_t k_device = 24 * k_mib;
  static constexpr std::size_t k_disk = 21 * k_mib + 512;

  void SetUp() override {
    if (::geteuid() != 0) {
      GTEST_SKIP() << "loop devices are for root";
    }
    m_backing = write("device.img", Bytes(k_device, std::byte{0xee}));
    m_device = trim(run({"losetup", "--find", "--show", m_backing.string()}));
    ASSERT_FALSE(m_device.empty());
  }
  void TearDown() override {
    if (!m_device.empty()) {
      run({"losetup", "-d", m_device});
    }
    Scratch::TearDown();
  }
  static std::string message_of(const std::function<void()>& body) {
    try {
      body();
    } catch (const Error& error) {
      return error.message();
    }
    return "nothing was thrown";
  }

  std::filesystem::path m_backing;
  std::string m_device;
};

TEST_F(DeviceWriterTest, LeavesNothingOfWhatWasThere) {
  Bytes source = random_bytes(k_disk, 11);
  std::fill_n(source.begin() + 3 * k_mib, 2 * k_mib, std::byte{0});
  const std::vector<Extent> extents = {
      {ByteCount{0}, ByteCount{9 * k_mib + 512}, ExtentKind::needed},
      {ByteCount{9 * k_mib + 512}, ByteCount{8 * k_mib}, ExtentKind::skipped},
      {ByteCount{17 * k_mib + 512}, ByteCount{4 * k_mib}, ExtentKind::needed}};
  MemoryReader reader(source);
  Manifest manifest =
      Manifest::create(m_folder.path() / "vda.manifest", {{}, ByteCount{k_disk}, {}});
  DeviceWriter writer(m_device, ByteCount{k_disk}, OldContent::rubbish);
  copy_disk({"vda", ByteCount{k_disk}, extents, reader, nullptr, writer, manifest}, {});
  Bytes expected(k_device);
  std::copy(source.begin(), source.end(), expected.begin());
  std::fill_n(expected.begin() + 9 * k_mib + 512, 8 * k_mib, std::byte{0});
  EXPECT_TRUE(read_file(m_device) == expected);

  const VerifyRequest request{"vda", m_device, model::DiskFormat::raw, manifest, m_folder.path()};
  EXPECT_LT(verify_disk(request, {}).read, ByteCount{15 * k_mib});
  run({"qemu-io", "-f", "raw", "-c", "write -P 1 13M 512", m_device});
  verify_disk(request, {});  // in the middle of the zeros: the ends are clean
  VerifyRequest full = request;
  full.zeros = ZeroCheck::full;
  EXPECT_THAT(message_of([&] { verify_disk(full, {}); }), HasSubstr("from byte"));
}

TEST_F(DeviceWriterTest, DoesNotZeroWhatReadsAsZeros) {
  DeviceWriter writer(m_device, ByteCount{k_disk}, OldContent::zeros);
  writer.write_zeros({}, ByteCount{k_disk});
  writer.finish();
  EXPECT_TRUE(read_file(m_device) == Bytes(k_device, std::byte{0xee}));
}

TEST_F(DeviceWriterTest, RefusesWhatDoesNotFit) {
  EXPECT_THAT(
      message_of([&] { DeviceWriter(m_device, ByteCount{k_device + 512}, OldContent::rubbish); }),
      HasSubstr("512 are missing"));
  EXPECT_THAT(message_of([&] { DeviceWriter(m_backing, ByteCount{512}, OldContent::rubbish); }),
              HasSubstr("is no block device"));
  run({"blockdev", "--setro", m_device});
  EXPECT_THAT(message_of([&] { DeviceWriter(m_device, ByteCount{512}, OldContent::rubbish); }),
              HasSubstr("read-only"));
  run({"blockdev", "--setrw", m_device});
  const Fd holder(::open(m_device.c_str(), O_RDONLY | O_EXCL | O_CLOEXEC));
  EXPECT_THAT(message_of([&] { DeviceWriter(m_device, ByteCount{512}, OldContent::rubbish); }),
              HasSubstr("in use"));
}

}  // namespace
}  // namespace vmconvert::disk
