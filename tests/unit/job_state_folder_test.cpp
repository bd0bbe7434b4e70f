// A state folder that others can write to says nothing that is believed.
#include "job/state_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "base/error.hpp"
#include "base/temp_dir.hpp"
#include "job/journal.hpp"
#include "job/workspace.hpp"
#include "unit/error_of.hpp"

namespace vmconvert::job {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class StateFolderTest : public testing::Test {
 protected:
  Error refusal() {
    const Error error = error_of([&] { const Journal journal(m_state); });
    EXPECT_EQ(error.kind(), ErrorKind::bad_input) << error.message();
    return error;
  }
  [[nodiscard]] static unsigned mode(const fs::path& path) {
    struct stat found {};
    return ::stat(path.c_str(), &found) == 0 ? found.st_mode & 07777U : 0;
  }
  void alter_journal(const char* sql) {
    { const Journal journal(m_state); }
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open((m_state / "jobs.sqlite").c_str(), &db), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(db, sql, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
    sqlite3_close(db);
  }

  TempDir m_dir{fs::temp_directory_path(), "vmconvert-state-folder"};
  fs::path m_state = m_dir.path() / "a" / "state";
};

TEST_F(StateFolderTest, IsOursAloneWhateverTheUmask) {
  const mode_t before = ::umask(0);
  { const Journal journal(m_state); }
  ::umask(before);
  EXPECT_EQ(mode(m_state), 0700U);
  EXPECT_EQ(mode(m_state / "jobs.sqlite"), 0600U);
  const Journal again(m_state);
}

TEST_F(StateFolderTest, ThatOthersMayReadIsFine) {
  { const Journal journal(m_state); }
  fs::permissions(m_state, fs::perms(0755));
  fs::permissions(m_state / "jobs.sqlite", fs::perms(0644));
  const Journal journal(m_state);
  const Workspace workspace(m_state);
  EXPECT_TRUE(fs::exists(workspace.folder()));
}

TEST_F(StateFolderTest, ThatOthersMayWriteToIsRefused) {
  fs::create_directories(m_state);
  for (const unsigned mode : {0770U, 0777U, 01777U}) {
    fs::permissions(m_state, fs::perms(mode));
    const Error error = refusal();
    EXPECT_THAT(error.message(), HasSubstr("others may write to " + m_state.string()));
    EXPECT_THAT(error.remedy(), HasSubstr("chmod go-w"));
    EXPECT_EQ(error_of([&] { const Workspace workspace(m_state); }).kind(), ErrorKind::bad_input);
  }
  EXPECT_TRUE(fs::is_empty(m_state)) << "nothing is left in it";
}

TEST_F(StateFolderTest, AStoreThatOthersMayWriteToOrThatIsALinkIsRefused) {
  { const Journal journal(m_state); }
  fs::permissions(m_state / "jobs.sqlite", fs::perms(0666));
  EXPECT_THAT(refusal().message(), HasSubstr("jobs.sqlite (mode 0666)"));
  fs::permissions(m_state / "jobs.sqlite", fs::perms(0600));
  fs::rename(m_state / "jobs.sqlite", m_dir.path() / "elsewhere");
  fs::create_symlink(m_dir.path() / "elsewhere", m_state / "jobs.sqlite");
  EXPECT_THAT(refusal().message(), HasSubstr("no plain file"));
}

TEST_F(StateFolderTest, OfAnotherUserIsRefused) {
  if (::geteuid() != 0) {
    GTEST_SKIP() << "needs root, to give a folder away";
  }
  { const Journal journal(m_state); }
  ASSERT_EQ(::chown((m_state / "jobs.sqlite").c_str(), 65534, 65534), 0);
  EXPECT_THAT(refusal().message(), HasSubstr("jobs.sqlite belongs to another user (uid 65534)"));
  ASSERT_EQ(::chown((m_state / "jobs.sqlite").c_str(), 0, 0), 0);
  ASSERT_EQ(::chown(m_state.c_str(), 65534, 65534), 0);
  EXPECT_THAT(refusal().remedy(), HasSubstr("--state-dir"));
}

TEST_F(StateFolderTest, AJournalThatActsByItselfIsRefused) {
  alter_journal("CREATE TRIGGER t AFTER INSERT ON job BEGIN UPDATE job SET state = 'done'; END");
  EXPECT_THAT(refusal().message(), HasSubstr("triggers or views"));
}

}  // namespace
}  // namespace vmconvert::job
