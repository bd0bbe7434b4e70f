#include "allocation/ext_owner.hpp"

#include "allocation_support.hpp"
#include "base/error.hpp"

namespace vmconvert::allocation {
namespace {

class ExtOwner : public AllocationTest {
 protected:
  std::filesystem::path make(const std::vector<std::string>& words) {
    const std::filesystem::path tree = make_tree(4 * k_mib, 5);
    std::filesystem::create_directories(tree / "etc/deep/er");
    for (const auto& [name, content] : m_files) {
      std::ofstream(tree / name, std::ios::binary) << content;
    }
    std::filesystem::path image = blank("image", 64 * k_mib);
    std::vector<std::string> argv = {"mke2fs", "-q", "-F", "-d", tree.string()};
    argv.insert(argv.end(), words.begin(), words.end());
    argv.push_back(image.string());
    run(argv);
    return image;
  }
  static std::uint64_t place_of(const Image& image, const std::string& content) {
    const auto* bytes = reinterpret_cast<const std::byte*>(content.data());
    const auto found =
        std::search(image.bytes().begin(), image.bytes().end(), bytes, bytes + content.size());
    return static_cast<std::uint64_t>(found - image.bytes().begin());
  }

  // Names as a guest may have them. Long enough to be no inline data.
  const std::vector<std::pair<std::string, std::string>> m_files = {
      {"etc/needle", "NEEDLE1" + std::string(300, '1')},
      {"etc/deep/er/ne%\n\x1b[31mdle \xff", "NEEDLE2" + std::string(300, '2')}};
};

TEST_F(ExtOwner, NamesTheFileTheStructureAndNothing) {
  const std::vector<std::vector<std::string>> flavours = {
      {"-t", "ext2", "-b", "1024"}, {"-t", "ext3"}, {"-t", "ext4"}};
  for (const auto& words : flavours) {
    const Image image(make(words));
    const MemorySource source(image.bytes());
    const Volume volume(source, {image.region()});
    const auto owners = ext_owners(
        volume, {place_of(image, m_files[0].second), place_of(image, m_files[1].second) + 99, 1024,
                 image.bytes().size() - 5 * k_mib});
    ASSERT_EQ(owners.size(), 4U);
    EXPECT_EQ(owners[0], "/" + m_files[0].first) << words[1];
    EXPECT_EQ(owners[1], "/" + m_files[1].first);
    EXPECT_EQ(owners[2], "a structure of the filesystem");
    EXPECT_EQ(owners[3], "") << "free space";
    std::filesystem::remove_all(path("tree"));
  }
}

TEST_F(ExtOwner, RefusesWhatIsNoSuchFilesystem) {
  const Image image(blank("image", k_mib));
  const MemorySource source(image.bytes());
  const Volume volume(source, {image.region()});
  EXPECT_THROW(ext_owners(volume, {0}), Error);
}

// Whatever stands in the inodes and folders: an answer or an error, in bounded time.
TEST_F(ExtOwner, SurvivesRubbish) {
  const Image image(make({"-t", "ext4"}));
  const MemorySource source(image.bytes());
  const Volume volume(source, {image.region()});
  const std::uint64_t place = place_of(image, m_files[0].second);
  std::mt19937_64 random(3);
  for (int round = 0; round < 60; ++round) {
    for (int i = 0; i < 40; ++i) {  // behind the superblock, most of it is metadata there
      image.put(8192 + random() % (3 * k_mib), random());
    }
    try {
      EXPECT_EQ(ext_owners(volume, {place, 4096}).size(), 2U);
    } catch (const Error&) {
    }
  }
}

}  // namespace
}  // namespace vmconvert::allocation
