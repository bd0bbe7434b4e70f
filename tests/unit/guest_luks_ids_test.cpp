// Volumes are made by cryptsetup, and cryptsetup has to find its key in them afterwards.
#include "guest/luks_ids.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/subprocess.hpp"
#include "base/temp_dir.hpp"
#include "guest/folder_root.hpp"

namespace vmconvert::guest {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr const char* k_old = "01234567-89ab-4def-8011-223344556677";
constexpr const char* k_new = "fedcba98-7654-4210-a0b1-c2d3e4f5a6b7";

CommandResult cryptsetup_says(const std::vector<std::string>& argv) {
  RealCommandRunner runner;
  return runner.run({argv});
}

struct Volume {
  TempDir temp{fs::temp_directory_path(), "vmconvert-test"};
  FolderRoot root{temp.path(), {{"vda2", temp.path() / "volume"}}};

  explicit Volume(const std::string& type) {
    root.write("/volume", std::string(std::size_t{20} << 20U, '\0'));
    root.write("/key", "secret");
    std::vector<std::string> argv = {
        "cryptsetup", "luksFormat", "--batch-mode", "--type",  type,     "--uuid",
        k_old,        "--key-file", key(),          "--pbkdf", "pbkdf2", "--pbkdf-force-iterations",
        "1000"};
    argv.push_back(path());
    made = cryptsetup_says(argv);
  }
  [[nodiscard]] std::string path() const { return (temp.path() / "volume").string(); }
  [[nodiscard]] std::string key() const { return (temp.path() / "key").string(); }
  [[nodiscard]] std::optional<std::string> id() { return read_luks_id(root, "vda2"); }

  CommandResult made;
};

class LuksIds : public testing::TestWithParam<const char*> {};

TEST_P(LuksIds, AreSetAndTheKeyStillFits) {
  Volume volume(GetParam());
  ASSERT_EQ(volume.made.exit_code, 0) << volume.made.err;
  ASSERT_EQ(volume.id(), k_old);
  const std::string whole = volume.root.read_disk("vda2", 0, 1U << 20U);
  ASSERT_TRUE(set_luks_id(volume.root, "vda2", k_old, k_new));
  EXPECT_EQ(volume.id(), k_new);
  EXPECT_THAT(cryptsetup_says({"cryptsetup", "luksUUID", volume.path()}).out, HasSubstr(k_new));
  const CommandResult dump = cryptsetup_says({"cryptsetup", "luksDump", volume.path()});
  EXPECT_EQ(dump.exit_code, 0) << dump.err;
  EXPECT_EQ(dump.err, "") << "a header would be repaired";
  const CommandResult opened = cryptsetup_says(
      {"cryptsetup", "open", "--test-passphrase", "--key-file", volume.key(), volume.path()});
  EXPECT_EQ(opened.exit_code, 0) << opened.err;
  ASSERT_TRUE(set_luks_id(volume.root, "vda2", k_new, k_old));
  EXPECT_EQ(volume.root.read_disk("vda2", 0, 1U << 20U), whole) << "nothing else was changed";
}

INSTANTIATE_TEST_SUITE_P(Versions, LuksIds, testing::Values("luks1", "luks2"));

TEST(LuksIdsKept, WhereOneHeaderIsDamaged) {
  Volume volume("luks2");
  constexpr std::uint64_t k_second = 16384;
  std::string header = volume.root.read_disk("vda2", k_second, 4096);
  header[200] = 'x';
  volume.root.write_disk("vda2", k_second, header);
  EXPECT_EQ(volume.id(), std::nullopt);
  EXPECT_FALSE(set_luks_id(volume.root, "vda2", k_old, k_new));
}

TEST(LuksIdsKept, WhereAHeaderSaysThatItIsHuge) {
  Volume volume("luks2");
  std::string header = volume.root.read_disk("vda2", 0, 4096);
  header.replace(8, 8, 8, '\xff');
  volume.root.write_disk("vda2", 0, header);
  EXPECT_EQ(volume.id(), std::nullopt);
}

}  // namespace
}  // namespace vmconvert::guest
