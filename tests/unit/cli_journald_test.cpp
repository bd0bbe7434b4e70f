#include "cli/journald.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstring>
#include <filesystem>

#include "base/temp_dir.hpp"

namespace vmconvert::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

// What journald does: a datagram socket at a known place.
class FakeJournal {
 public:
  explicit FakeJournal(const std::string& path)
      : m_fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.size());
    EXPECT_EQ(::bind(m_fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  [[nodiscard]] std::string receive() const {
    std::string text(1U << 17U, '\0');
    const ssize_t got = ::recv(m_fd.get(), text.data(), text.size(), 0);
    text.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
    return text;
  }

 private:
  Fd m_fd;
};

TEST(Journald, GetsAMessageWithItsJob) {
  const TempDir dir("/tmp", "journald");
  const std::string path = dir.path() / "socket";
  const FakeJournal journal(path);
  ASSERT_TRUE(Journald(path).send({4, "no room", "convert", "20261128T1-3f2a", "web01", "1"}));
  EXPECT_EQ(journal.receive(),
            "MESSAGE=no room\nPRIORITY=4\nSYSLOG_IDENTIFIER=vmconvert\nVMCONVERT_COMMAND=convert\n"
            "VMCONVERT_JOB=20261128T1-3f2a\nVMCONVERT_GUEST=web01\nEXIT_STATUS=1\n");
}

TEST(Journald, WithoutOneNothingIsSentAndNothingFails) {
  const TempDir dir("/tmp", "journald");
  EXPECT_FALSE(Journald(dir.path() / "socket").send({}));
  EXPECT_FALSE(Journald("/etc/passwd").send({}));
  EXPECT_FALSE(Journald(std::string(300, 'x')).send({}));
}

TEST(Journald, AMessageCannotForgeFields) {
  JournalEntry entry;
  entry.message = "one\nVMCONVERT_JOB=forged\x1b[2J";
  entry.guest = "web\nPRIORITY=0";
  const std::string text = to_datagram(entry);
  // With its length before it, what looks like a field is a part of the message.
  EXPECT_THAT(text, HasSubstr(std::string("MESSAGE\n\x1f\0\0\0\0\0\0\0one\nVMCONVERT_JOB=", 30)))
      << text;
  EXPECT_THAT(text, HasSubstr(std::string("VMCONVERT_GUEST\n\x0e\0\0\0\0\0\0\0web\n", 28)));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
}

TEST(Journald, IsNotFilledByOneMessage) {
  const TempDir dir("/tmp", "journald");
  const std::string path = dir.path() / "socket";
  const FakeJournal journal(path);
  const Journald sender(path);
  EXPECT_TRUE(sender.send({6, std::string(1U << 20U, 'x'), "", "", "", ""}));
  EXPECT_LT(journal.receive().size(), 40000U);
  // Nobody reads: it is full at some point, and nobody waits for it.
  bool taken = true;
  for (int i = 0; i < 10000 && taken; ++i) {
    taken = sender.send({6, "again", "", "", "", ""});
  }
  EXPECT_FALSE(taken);
}

TEST(Journald, KnowsItsOwnStream) {
  struct stat status {};
  ASSERT_EQ(::fstat(2, &status), 0);
  const std::string own = fmt::format("{}:{}", status.st_dev, status.st_ino);
  EXPECT_TRUE(is_journal_stream(2, own.c_str()));
  EXPECT_FALSE(is_journal_stream(2, "1:2"));
  EXPECT_FALSE(is_journal_stream(2, nullptr));
}

}  // namespace
}  // namespace vmconvert::cli
