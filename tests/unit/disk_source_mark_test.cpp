#include "disk/source_mark.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>

#include "base/error.hpp"
#include "unit/disk_scratch.hpp"

namespace vmconvert::disk {
namespace {

using testing::HasSubstr;

class SourceMarks : public Scratch {
 protected:
  void SetUp() override {
    write(random_bytes(8192, 1));
    // Well in the past: a change is seen however coarse the file system's clock is.
    const timespec past[2] = {{1'000'000'000, 0}, {1'000'000'000, 0}};
    ASSERT_EQ(::utimensat(AT_FDCWD, m_path.c_str(), past, 0), 0);
    m_marks = {mark_source(m_path)};
  }
  void write(const Bytes& bytes) {
    std::ofstream(m_path, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<long>(bytes.size()));
  }
  [[nodiscard]] std::string said() const {
    try {
      require_unchanged(m_marks);
      return "";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::refused);
      EXPECT_THAT(error.message(), HasSubstr(m_path.string()));
      return error.message();
    }
  }

  std::filesystem::path m_path = m_folder.path() / "source.img";
  std::vector<SourceMark> m_marks;
};

TEST_F(SourceMarks, AreTheSameWhileItIsOnlyRead) {
  EXPECT_EQ(read_text_file(m_path).size(), 8192U);
  EXPECT_EQ(said(), "");
}

TEST_F(SourceMarks, TellOfAWrite) {
  std::fstream(m_path, std::ios::in | std::ios::out | std::ios::binary).put('x').flush();
  EXPECT_THAT(said(), HasSubstr("it was written to"));
}

TEST_F(SourceMarks, TellOfAnotherSize) {
  std::filesystem::resize_file(m_path, 4096);
  EXPECT_THAT(said(), HasSubstr("it had 8192 bytes and has 4096"));
}

TEST_F(SourceMarks, TellThatItIsGone) {
  std::filesystem::remove(m_path);
  EXPECT_THAT(said(), HasSubstr("does not exist"));
}

TEST_F(SourceMarks, TellOfAnotherFileInItsPlace) {
  std::filesystem::rename(m_path, m_folder.path() / "old");
  write(random_bytes(8192, 1));
  EXPECT_THAT(said(), HasSubstr("another file"));
}

TEST(SourceMark, OfADeviceHoldsForOneBoot) {
  SourceMark before{"/dev/vg/web", true, 0xfd01, ByteCount{k_gib}, 0, 800, "a"};
  SourceMark now = before;
  now.sectors_written = 808;
  EXPECT_EQ(difference(before, now), "it was written to");
  now.boot = "b";
  now.identity = 0xfd02;
  EXPECT_EQ(difference(before, now), "") << "device numbers and counters begin anew";
  now.serial = "LVM-2";
  EXPECT_EQ(difference(before, now), "") << "the mark of an earlier version says nothing of it";
  before.serial = "LVM-1";
  EXPECT_THAT(difference(before, now), HasSubstr("it was LVM-1 and is LVM-2"));
  now.serial = before.serial;
  now.size = ByteCount{4096};
  EXPECT_THAT(difference(before, now), HasSubstr("1073741824 bytes and has 4096"));
}

}  // namespace
}  // namespace vmconvert::disk
