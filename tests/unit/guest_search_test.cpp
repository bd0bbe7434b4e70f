#include "guest/search.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/temp_dir.hpp"
#include "guest/folder_root.hpp"

namespace vmconvert::guest {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

class ValueSearch : public testing::Test {
 protected:
  void put(const std::string& path, const std::string& content) {
    const fs::path file = m_temp.path().string() + path;
    fs::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << content;
  }
  model::Findings search(const std::string& value, const SearchLimits& limits = {}) {
    FolderRoot root(m_temp.path(), {});
    return search_values(
        root, {{value, {"identity-left", model::Severity::warns, "stands in", "look", false}}},
        limits);
  }

 private:
  TempDir m_temp{fs::temp_directory_path(), "vmconvert-search"};
};

TEST_F(ValueSearch, NamesFilesAndNamesOfFiles) {
  put("/etc/app/config", "listen 10.0.0.1:80\n");
  put("/boot/10.0.0.1.conf", "");
  put("/etc/other", "10.0.0.12 110.0.0.1\n");
  put("/var/lib/data", "10.0.0.1\n");
  const auto found = search("10.0.0.1");
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].id, "identity-left");
  EXPECT_EQ(found[0].message, "stands in: /etc/app/config, /boot/10.0.0.1.conf");
}

TEST_F(ValueSearch, SaysNothingOfWhatIsNotThere) {
  put("/etc/other", "10.0.0.12\n");
  EXPECT_TRUE(search("10.0.0.1").empty());
}

TEST_F(ValueSearch, PassesOverBinariesAndLargeFiles) {
  put("/etc/binary", std::string("10.0.0.1\0", 9));
  put("/etc/large", "10.0.0.1" + std::string(64, '\n'));
  SearchLimits limits;
  limits.file_bytes = 32;
  EXPECT_TRUE(search("10.0.0.1", limits).empty());
}

TEST_F(ValueSearch, EndsAtItsLimitsAndSaysSo) {
  for (int i = 0; i < 20; ++i) {
    put("/etc/file" + std::to_string(i), "10.0.0.1\n");
  }
  SearchLimits limits;
  limits.files = 15;
  limits.named = 2;
  const auto found = search("10.0.0.1", limits);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_THAT(found[0].message, HasSubstr("and 13 more"));
  EXPECT_EQ(found[1].id, "search-cut-short");
}

}  // namespace
}  // namespace vmconvert::guest
