#include "host/in_use.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/sysmacros.h>

#include <fstream>

#include "base/fd.hpp"
#include "base/subprocess.hpp"
#include "base/temp_dir.hpp"

namespace vmconvert::host {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

TEST(Mountinfo, GivesDeviceSourcePlaceAndWhetherItCanBeWritten) {
  const auto mounts = parse_mountinfo(
      "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro\n"
      "23 22 0:35 /@home /my\\040home ro - btrfs /dev/sdb2 rw\n"
      "24 22 7:0 / /mnt rw - iso9660 /dev/loop0 ro\n");
  ASSERT_EQ(mounts.size(), 3U);
  EXPECT_EQ(mounts[0].device, makedev(8, 1));
  EXPECT_EQ(mounts[0].mountpoint, "/");
  EXPECT_FALSE(mounts[0].read_only);
  EXPECT_EQ(mounts[1].source, "/dev/sdb2");
  EXPECT_EQ(mounts[1].mountpoint, "/my home");
  EXPECT_FALSE(mounts[1].read_only) << "only this mount is, the filesystem is not";
  EXPECT_TRUE(mounts[2].read_only);
}

TEST(Mountinfo, LeavesOutWhatDoesNotParse) {
  EXPECT_THAT(parse_mountinfo("\n- - - -\n22 1 8 / / rw - ext4 /dev/sda1 rw\n1 2 3:4 / / rw\n"),
              IsEmpty());
  const auto cut = parse_mountinfo("22 1 8:1 / /a\\04 rw - ext4 a\\777 rw\n");
  ASSERT_EQ(cut.size(), 1U);
  EXPECT_EQ(cut[0].mountpoint, "/a\\04");
  EXPECT_EQ(cut[0].source, "a\\777");
}

class FindUsers : public testing::Test {
 protected:
  FindUsers() { std::ofstream(image) << "x"; }

  TempDir dir{"/tmp", "in-use-test"};
  std::filesystem::path image = dir.path() / "disk.img";
};

TEST_F(FindUsers, NamesAProcessThatHasTheFileOpenForWriting) {
  const std::filesystem::path alias = dir.path() / "alias";
  std::filesystem::create_hard_link(image, alias);
  ChildProcess writer({"sleep", "60"}, {.output = alias});
  const auto users = find_users({dir.path() / "absent", image});
  ASSERT_EQ(users.size(), 1U);
  EXPECT_EQ(users[0].path, image);
  EXPECT_THAT(users[0].who, HasSubstr(fmt::format("process {} (", writer.pid())));
  EXPECT_TRUE(users[0].writes);
  writer.kill();
  EXPECT_THAT(find_users({image}), IsEmpty());
}

TEST_F(FindUsers, CountsNeitherReadersNorOurselves) {
  const Fd own = open_file(image, O_RDWR);
  ChildProcess reader({"tail", "-f", image.string()});
  EXPECT_FALSE(reader.wait_for(std::chrono::milliseconds(50)));
  EXPECT_THAT(find_users({image}), IsEmpty());
}

TEST_F(FindUsers, FindsNobodyForPathsThatAreNotThere) {
  EXPECT_THAT(find_users({}), IsEmpty());
  EXPECT_THAT(find_users({dir.path() / "absent", "/dev/null"}), IsEmpty());
}

}  // namespace
}  // namespace vmconvert::host
