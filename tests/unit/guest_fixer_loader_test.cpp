#include "guest/fixer_loader.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/error.hpp"
#include "base/temp_dir.hpp"
#include "contract/guest_root_contract.hpp"
#include "test_paths.hpp"

namespace vmconvert::guest {
namespace {

namespace fs = std::filesystem;

fs::path built(const std::string& name) {
  return vmconvert::test::build_dir() / "test-fixers" / (name + ".so");
}

class FixerLoader : public testing::Test {
 protected:
  // A folder with some of the tests' fixers in it.
  fs::path folder(const std::string& name, const std::vector<std::string>& fixers) {
    const fs::path made = m_temp.path() / name;
    fs::create_directories(made);
    for (const std::string& fixer : fixers) {
      fs::copy_file(built(fixer), made / (fixer + ".so"));
    }
    return made;
  }
  static std::string why(const fs::path& file) {
    try {
      load_fixer(file);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::bad_input);
      EXPECT_NE(error.message().find(file.string()), std::string::npos) << error.message();
      return error.message();
    }
    return {};
  }

 private:
  TempDir m_temp{fs::temp_directory_path(), "vmconvert-test"};
};

TEST_F(FixerLoader, finds_fixers_in_their_order) {
  const fs::path ours = folder("ours", {"plain", "early"});
  std::ofstream(ours / "README") << "no fixer";
  const auto fixers = load_fixers({ours});
  ASSERT_EQ(fixers.size(), 2U);
  EXPECT_EQ(fixers[0].name, "early");
  EXPECT_EQ(fixers[0].order, 10U);
  EXPECT_EQ(fixers[1].name, "plain");
  EXPECT_EQ(fixers[1].summary, "says that the guest has moved");
  EXPECT_EQ(fixers[1].file, ours / "plain.so");
}

TEST_F(FixerLoader, a_later_folder_wins) {
  const fs::path ours = folder("ours", {"plain", "early"});
  const fs::path site = folder("site", {"plain"});
  const auto fixers = load_fixers({ours, site});
  ASSERT_EQ(fixers.size(), 2U);
  EXPECT_EQ(fixers[0].file, ours / "early.so");
  EXPECT_EQ(fixers[1].file, site / "plain.so");
}

TEST_F(FixerLoader, refuses_two_of_one_name_in_one_folder) {
  const fs::path ours = folder("ours", {"plain"});
  fs::copy_file(built("plain"), ours / "twin.so");
  EXPECT_EQ(kind_of_error([&] { load_fixers({ours}); }), ErrorKind::bad_input);
}

TEST_F(FixerLoader, refuses_what_is_no_fixer_and_names_it) {
  EXPECT_NE(why(built("no-entry")).find("vmconvert_fixer_entry"), std::string::npos);
  EXPECT_NE(why(built("other-abi")).find("ABI 2"), std::string::npos);
  EXPECT_NE(why(built("too-small")).find("bytes"), std::string::npos);
  const fs::path broken = folder("broken", {}) / "text.so";
  std::ofstream(broken) << "this is no shared object";
  EXPECT_NE(why(broken), "");
}

TEST_F(FixerLoader, says_which_folder_is_missing) {
  EXPECT_EQ(kind_of_error([] { load_fixers({"/no/such/folder"}); }), ErrorKind::not_found);
}

}  // namespace
}  // namespace vmconvert::guest
