#include "job/database.hpp"

#include <fmt/format.h>

#include <fcntl.h>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "job/state_folder.hpp"

namespace vmconvert::job {
namespace {

constexpr int k_wait_ms = 10000;

}  // namespace

Database::Database(std::filesystem::path path, DatabaseKind kind)
    : m_path(std::move(path)), m_kind(std::move(kind)) {
  require_own_folder(m_path.parent_path());
  require_own_file(m_path);
  // SQLite would make it as the umask says; its own journal gets the rights of this file. One that
  // is there is not opened: closing it would drop this process's locks on it. Errors are SQLite's.
  static_cast<void>(Fd(::open(m_path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600)));
  sqlite3* db = nullptr;
  const int code =
      sqlite3_open_v2(m_path.c_str(), &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
  m_db.reset(db);
  check(code);
  sqlite3_extended_result_codes(db, 0);
  check(sqlite3_busy_timeout(db, k_wait_ms));
  // A file may have come from elsewhere, in spite of its owner: its schema runs no functions, its
  // pages are checked when they are read, and nothing writes to its schema behind SQLite's back.
  check(sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr));
  run("PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;");
  // EXTRA: a call that returned is on the disk. FULL leaves it to the folder whether the last
  // transaction is undone when the power comes back.
  run("PRAGMA synchronous = EXTRA; PRAGMA foreign_keys = ON;");
  run("BEGIN IMMEDIATE");
  const int version = number("PRAGMA user_version");
  const int owner = number("PRAGMA application_id");
  if (version == 0 && owner == 0 && number("SELECT count(*) FROM sqlite_master") == 0) {
    run(m_kind.schema);
    run(fmt::format("PRAGMA user_version = {}; PRAGMA application_id = {}", m_kind.version,
                    m_kind.application_id)
            .c_str());
  } else if (owner != m_kind.application_id || version != m_kind.version) {
    run("ROLLBACK");
    throw Error(ErrorKind::bad_input,
                fmt::format("{} {} is of version {}, this program reads {}", m_kind.name,
                            m_path.string(), version, m_kind.version),
                "use the program that wrote it, or another state folder: --state-dir DIR");
  }
  if (number("SELECT count(*) FROM sqlite_master WHERE type IN ('trigger', 'view')") != 0) {
    run("ROLLBACK");  // ours has none: they would do what nobody asked for
    throw Error(ErrorKind::bad_input,
                fmt::format("{} {} holds triggers or views, which are not ours", m_kind.name,
                            m_path.string()),
                m_kind.remedy);
  }
  run("COMMIT");
}

void Database::fail(int code) const {
  const bool foreign = code == SQLITE_NOTADB || code == SQLITE_CORRUPT;
  throw Error(foreign ? ErrorKind::bad_input : ErrorKind::io,
              fmt::format("{} {}: {}", m_kind.name, m_path.string(),
                          m_db ? sqlite3_errmsg(m_db.get()) : sqlite3_errstr(code)),
              foreign ? m_kind.remedy
                      : "see that the state folder can be written and has room; or name another "
                        "one: --state-dir DIR");
}

int Database::number(const char* sql) const {
  Statement statement(*this, sql);
  return statement.next() ? static_cast<int>(statement.integer(0)) : 0;
}

Statement::Statement(const Database& database, const char* sql) : m_database(database) {
  sqlite3_stmt* statement = nullptr;
  database.check(sqlite3_prepare_v2(database.m_db.get(), sql, -1, &statement, nullptr));
  m_statement.reset(statement);
}

Statement& Statement::bind(const std::string& text) {
  m_database.check(sqlite3_bind_text(m_statement.get(), ++m_bound, text.c_str(),
                                     static_cast<int>(text.size()), SQLITE_TRANSIENT));
  return *this;
}

Statement& Statement::bind(std::int64_t number) {
  m_database.check(sqlite3_bind_int64(m_statement.get(), ++m_bound, number));
  return *this;
}

Statement& Statement::bind(double number) {
  m_database.check(sqlite3_bind_double(m_statement.get(), ++m_bound, number));
  return *this;
}

bool Statement::next() {
  const int code = sqlite3_step(m_statement.get());
  if (code != SQLITE_ROW && code != SQLITE_DONE) {
    m_database.fail(code);
  }
  return code == SQLITE_ROW;
}

std::string Statement::text(int column) const {
  const auto* bytes = sqlite3_column_text(m_statement.get(), column);
  return bytes == nullptr ? "" : reinterpret_cast<const char*>(bytes);
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(m_statement.get(), column);
}

double Statement::real(int column) const {
  return sqlite3_column_double(m_statement.get(), column);
}

}  // namespace vmconvert::job
