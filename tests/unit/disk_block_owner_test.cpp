#include "disk/block_owner.hpp"

#include <gmock/gmock.h>

#include "base/error.hpp"
#include "test_paths.hpp"
#include "unit/disk_scratch.hpp"

namespace vmconvert::disk {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Owners, AreUnescapedAndCounted) {
  EXPECT_THAT(parse_owners("vmconvert-owners 1\nowner /etc/a%25b%0a\nowner \nend\n", 2),
              ElementsAre("/etc/a%b\n", ""));
  for (const char* bad : {"", "vmconvert-owners 1\nend\n", "vmconvert-owners 1\nowner a\n",
                          "vmconvert-owners 1\nowner a\nowner b\nowner c\nend\n",
                          "vmconvert-owners 1\nowner %g0\nowner b\nend\n",
                          "vmconvert-owners 1\nowner a%2\nowner b\nend\n"}) {
    EXPECT_THROW(parse_owners(bad, 2), Error) << bad;
  }
}

// Through the program without rights, from a filesystem that does not begin at byte 0.
TEST_F(Scratch, OwnersComeFromTheConfinedReader) {
  const auto tree = m_folder.path() / "tree";
  std::filesystem::create_directories(tree / "etc");
  std::ofstream(tree / "etc/fstab") << "NEEDLE" << std::string(500, 'x');
  const auto image = m_folder.path() / "disk.img";
  std::ofstream(image).close();
  std::filesystem::resize_file(image, 17 * k_mib);
  RealCommandRunner commands;
  run_or_throw(commands, {{"mke2fs", "-q", "-t", "ext4", "-d", tree.string(), "-E",
                           "offset=1048576", image.string(), "16M"}});
  const std::string bytes = read_text_file(image);
  const ByteCount place{bytes.find("NEEDLE")};
  const auto reader = vmconvert::test::build_dir() / "vmconvert-allocation";
  const model::ByteRange region{{k_mib}, {16 * k_mib}};
  EXPECT_THAT(find_owners(image, region, {place, {k_mib + 1024}}, reader, commands),
              ElementsAre("/etc/fstab", "a structure of the filesystem"));
  EXPECT_THAT(find_owners(image, {{0}, {k_mib}}, {{0}}, reader, commands), IsEmpty());
  EXPECT_THAT(find_owners(image, region, {{0}}, reader, commands), IsEmpty()) << "outside";
}

}  // namespace
}  // namespace vmconvert::disk
