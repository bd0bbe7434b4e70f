#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/temp_dir.hpp"
#include "base/text.hpp"
#include "base/units.hpp"

namespace vmconvert {
namespace {

namespace fs = std::filesystem;

TEST(TempDir, GoesWithAllThatIsInIt) {
  fs::path path;
  {
    const TempDir folder(fs::temp_directory_path(), "vmconvert-test");
    path = folder.path();
    std::ofstream(path / "file") << "x";
    EXPECT_EQ(fs::status(path).permissions() & fs::perms::all, fs::perms::owner_all);
  }
  EXPECT_FALSE(fs::exists(path));
}

TEST(AtomicFile, IsAbsentUntilCommitted) {
  const TempDir folder(fs::temp_directory_path(), "vmconvert-test");
  const fs::path path = folder.path() / "domain.xml";
  {
    AtomicFile file(path);
    file.write("half");
  }
  EXPECT_TRUE(fs::is_empty(folder.path()));
  AtomicFile file(path);
  file.write("whole");
  file.commit(Overwrite::no);
  EXPECT_EQ(read_text_file(path), "whole");
}

TEST(AtomicFile, DoesNotReplaceWhatIsThere) {
  const TempDir folder(fs::temp_directory_path(), "vmconvert-test");
  const fs::path path = folder.path() / "domain.xml";
  std::ofstream(path) << "precious";
  AtomicFile file(path);
  file.write("new");
  EXPECT_THROW(file.commit(Overwrite::no), Error);
  EXPECT_EQ(read_text_file(path), "precious");
  file.commit(Overwrite::yes);
  EXPECT_EQ(read_text_file(path), "new");
}

// As a process's file in /proc is that ends between the opening and the reading.
TEST(ReadTextOrEmpty, IsEmptyWhereReadingFails) {
  const TempDir folder(fs::temp_directory_path(), "vmconvert-test");
  EXPECT_THROW(static_cast<void>(read_text_file(folder.path())), Error) << "opens, does not read";
  EXPECT_EQ(read_text_or_empty(folder.path()), "");
  EXPECT_EQ(read_text_or_empty(folder.path() / "absent"), "");
  std::ofstream(folder.path() / "file") << "x";
  EXPECT_EQ(read_text_or_empty(folder.path() / "file"), "x");
  EXPECT_THAT(list_folder(folder.path()), testing::ElementsAre(folder.path() / "file"));
  EXPECT_THAT(list_folder(folder.path() / "absent"), testing::IsEmpty());
}

TEST(ReadTextFile, RefusesWhatIsTooLarge) {
  const TempDir folder(fs::temp_directory_path(), "vmconvert-test");
  const fs::path path = folder.path() / "large";
  std::ofstream(path) << std::string(101, 'x');
  EXPECT_THROW(read_text_file(path, 100), Error);
  EXPECT_EQ(read_text_file(path, 101).size(), 101U);
}

TEST(PreadExactly, TellsWhereAFileEndsTooEarly) {
  const TempDir folder(fs::temp_directory_path(), "vmconvert-test");
  const fs::path path = folder.path() / "short";
  std::ofstream(path) << "12345";
  const Fd fd = open_file(path, O_RDONLY);
  std::array<std::byte, 10> buffer{};
  try {
    pread_exactly(fd.get(), buffer, 2, "disk xvda");
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_THAT(error.message(), testing::HasSubstr("disk xvda"));
    EXPECT_THAT(error.message(), testing::HasSubstr("ends at byte 5"));
  }
}

TEST(ByteCount, ChecksItsArithmetic) {
  EXPECT_EQ((ByteCount{5} + ByteCount{6}).value, 11U);
  EXPECT_THROW(ByteCount{5} - ByteCount{6}, Error);
  EXPECT_THROW(ByteCount{~0ULL} + ByteCount{1}, Error);
  EXPECT_THROW(from_sectors(~0ULL / 2), Error);
  EXPECT_EQ(round_up(ByteCount{4097}, ByteCount{4096}).value, 8192U);
  EXPECT_EQ(round_up(ByteCount{4096}, ByteCount{4096}).value, 4096U);
}

TEST(ByteCount, ReadsAsPeopleSayIt) {
  EXPECT_EQ(to_text(ByteCount{1023}), "1023 bytes");
  EXPECT_EQ(to_text(ByteCount{1536 * k_mib}), "1.5 GiB");
  EXPECT_EQ(to_text_exact(ByteCount{2048}), "2.0 KiB (2048 bytes)");
}

TEST(Text, SplitsAndTrims) {
  EXPECT_THAT(split("a::b", ':'), testing::ElementsAre("a", "", "b"));
  EXPECT_THAT(words("  a\tb  c\n"), testing::ElementsAre("a", "b", "c"));
  EXPECT_THAT(lines("a\n\nb"), testing::ElementsAre("a", "", "b"));
  EXPECT_EQ(trim(" \t x y \n"), "x y");
  EXPECT_EQ(replace_all("aXbX", "X", "XX"), "aXXbXX");
  EXPECT_EQ(replace_all("XXaXb", "X", ""), "ab");
  EXPECT_EQ(replace_all("aa", "aa", "a"), "a");
  EXPECT_EQ(replace_all("ab", "", "x"), "ab");
  EXPECT_EQ(parse_number("18446744073709551615"), 18446744073709551615ULL);
  EXPECT_FALSE(parse_number("18446744073709551616"));
  EXPECT_FALSE(parse_number("-1"));
  EXPECT_FALSE(parse_number(""));
  EXPECT_EQ(printable("a\x1b[1m\n"), "a\\x1b[1m\n");
}

TEST(Text, OfNothingButNewlinesIsAMillionLinesAndTheRest) {
  const std::string text(8U << 20U, '\n');
  const std::vector<std::string> found = lines(text);
  EXPECT_EQ(found.size(), 1U << 20U);
  EXPECT_EQ(found.capacity(), found.size());
  EXPECT_EQ(join(found, "\n"), text) << "nothing of it is lost";
}

TEST(ErrorText, TellsTheTrailOnceAndTheRemedyLast) {
  Error error(ErrorKind::io, "no space", "free some");
  error.add_context("copying disk vda");
  error.add_context("converting guest web01");
  EXPECT_EQ(to_text(error),
            "no space\n  while copying disk vda\n  while converting guest web01\n  try: free some");
}

}  // namespace
}  // namespace vmconvert
