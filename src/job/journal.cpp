#include "job/journal.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <array>
#include <ctime>

#include "base/error.hpp"
#include "base/owned.hpp"

namespace vmconvert::job {
namespace {

namespace fs = std::filesystem;

constexpr int k_schema_version = 1;
constexpr int k_application_id = 0x766d6376;  // "vmcv": other programs' databases are not touched
constexpr int k_wait_ms = 10000;

constexpr const char* k_schema = R"(
CREATE TABLE job (
  id TEXT PRIMARY KEY, guest TEXT NOT NULL, name TEXT NOT NULL, source TEXT NOT NULL,
  state TEXT NOT NULL, error TEXT NOT NULL, created INTEGER NOT NULL, updated INTEGER NOT NULL,
  program TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE step (
  job TEXT NOT NULL REFERENCES job(id) ON DELETE CASCADE, number INTEGER NOT NULL,
  what TEXT NOT NULL, state TEXT NOT NULL, started INTEGER NOT NULL, finished INTEGER NOT NULL,
  made TEXT NOT NULL, PRIMARY KEY (job, number)
) WITHOUT ROWID;
)";

constexpr std::array k_job_states = {"running", "interrupted", "failed", "done", "undone"};
constexpr std::array k_step_states = {"pending", "running", "done", "undone"};

template <class State, std::size_t N>
State state_of(const std::array<const char*, N>& names, const std::string& text) {
  for (std::size_t i = 0; i < N; ++i) {
    if (names.at(i) == text) {
      return static_cast<State>(i);
    }
  }
  throw Error(ErrorKind::bad_input, fmt::format("the journal knows no state \"{}\"", text));
}

}  // namespace

const char* to_string(JobState state) {
  return k_job_states.at(static_cast<std::size_t>(state));
}

const char* to_string(StepState state) {
  return k_step_states.at(static_cast<std::size_t>(state));
}

struct Journal::Handle {
  fs::path path;
  Owned<sqlite3, sqlite3_close> db;

  [[noreturn]] void fail(int code) const {
    const bool foreign = code == SQLITE_NOTADB || code == SQLITE_CORRUPT;
    throw Error(foreign ? ErrorKind::bad_input : ErrorKind::io,
                fmt::format("the journal {}: {}", path.string(),
                            db ? sqlite3_errmsg(db.get()) : sqlite3_errstr(code)),
                foreign ? "move the file away: it is no journal of vmconvert's"
                        : "see that the state folder can be written and has room; or name another "
                          "one: --state-dir DIR");
  }
  void check(int code) const {
    if (code != SQLITE_OK) {
      fail(code);
    }
  }
  void run(const char* sql) const { check(sqlite3_exec(db.get(), sql, nullptr, nullptr, nullptr)); }
  [[nodiscard]] int number(const char* sql) const;
};

// A prepared statement with its values bound in order.
class Journal::Statement {
 public:
  Statement(const Handle& handle, const char* sql) : m_handle(handle) {
    sqlite3_stmt* statement = nullptr;
    handle.check(sqlite3_prepare_v2(handle.db.get(), sql, -1, &statement, nullptr));
    m_statement.reset(statement);
  }
  Statement& bind(const std::string& text) {
    m_handle.check(sqlite3_bind_text(m_statement.get(), ++m_bound, text.c_str(),
                                     static_cast<int>(text.size()), SQLITE_TRANSIENT));
    return *this;
  }
  Statement& bind(std::int64_t number) {
    m_handle.check(sqlite3_bind_int64(m_statement.get(), ++m_bound, number));
    return *this;
  }
  // Whether there is a row.
  bool next() {
    const int code = sqlite3_step(m_statement.get());
    if (code != SQLITE_ROW && code != SQLITE_DONE) {
      m_handle.fail(code);
    }
    return code == SQLITE_ROW;
  }
  [[nodiscard]] std::string text(int column) const {
    const auto* bytes = sqlite3_column_text(m_statement.get(), column);
    return bytes == nullptr ? "" : reinterpret_cast<const char*>(bytes);
  }
  [[nodiscard]] std::int64_t integer(int column) const {
    return sqlite3_column_int64(m_statement.get(), column);
  }

 private:
  const Handle& m_handle;
  Owned<sqlite3_stmt, sqlite3_finalize> m_statement;
  int m_bound = 0;
};

int Journal::Handle::number(const char* sql) const {
  Statement statement(*this, sql);
  return statement.next() ? static_cast<int>(statement.integer(0)) : 0;
}

Journal::Journal(const fs::path& state_dir) : m_handle(std::make_unique<Handle>()) {
  m_handle->path = state_dir / "jobs.sqlite";
  std::error_code error;
  fs::create_directories(state_dir, error);  // what is wrong with it, SQLite says
  sqlite3* db = nullptr;
  const int code = sqlite3_open_v2(m_handle->path.c_str(), &db,
                                   SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
  m_handle->db.reset(db);
  m_handle->check(code);
  sqlite3_extended_result_codes(db, 0);
  m_handle->check(sqlite3_busy_timeout(db, k_wait_ms));
  // EXTRA: a call that returned is on the disk. FULL leaves it to the folder whether the last
  // transaction is undone when the power comes back.
  m_handle->run("PRAGMA synchronous = EXTRA; PRAGMA foreign_keys = ON;");
  m_handle->run("BEGIN IMMEDIATE");
  const int version = m_handle->number("PRAGMA user_version");
  const int owner = m_handle->number("PRAGMA application_id");
  if (version == 0 && owner == 0 && m_handle->number("SELECT count(*) FROM sqlite_master") == 0) {
    m_handle->run(k_schema);
    m_handle->run(fmt::format("PRAGMA user_version = {}; PRAGMA application_id = {}",
                              k_schema_version, k_application_id)
                      .c_str());
  } else if (owner != k_application_id || version != k_schema_version) {
    m_handle->run("ROLLBACK");
    throw Error(ErrorKind::bad_input,
                fmt::format("the journal {} is of version {}, this program reads {}",
                            m_handle->path.string(), version, k_schema_version),
                "use the program that wrote it, or another state folder: --state-dir DIR");
  }
  m_handle->run("COMMIT");
}

Journal::Journal(Journal&&) noexcept = default;
Journal& Journal::operator=(Journal&&) noexcept = default;
Journal::~Journal() = default;

void Journal::add(const JobRecord& job) {
  const std::int64_t now = std::time(nullptr);
  Statement(*m_handle, "INSERT INTO job VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
      .bind(job.id)
      .bind(job.guest)
      .bind(job.name)
      .bind(job.source)
      .bind(std::string(to_string(job.state)))
      .bind(job.error)
      .bind(now)
      .bind(now)
      .bind(job.program)
      .next();
}

void Journal::rename(const std::string& id, const std::string& guest, const std::string& name) {
  Statement(*m_handle, "UPDATE job SET guest = ?, name = ? WHERE id = ?")
      .bind(guest)
      .bind(name)
      .bind(id)
      .next();
}

void Journal::set_state(const std::string& id, JobState state, const std::string& error) {
  Statement(*m_handle, "UPDATE job SET state = ?, error = ?, updated = ? WHERE id = ?")
      .bind(std::string(to_string(state)))
      .bind(error)
      .bind(std::int64_t{std::time(nullptr)})
      .bind(id)
      .next();
}

void Journal::set_steps(const std::string& id, const std::vector<std::string>& what) {
  m_handle->run("BEGIN IMMEDIATE");
  try {
    Statement(*m_handle, "DELETE FROM step WHERE job = ?").bind(id).next();
    for (std::size_t i = 0; i < what.size(); ++i) {
      Statement(*m_handle, "INSERT INTO step VALUES (?, ?, ?, 'pending', 0, 0, '')")
          .bind(id)
          .bind(static_cast<std::int64_t>(i + 1))
          .bind(what[i])
          .next();
    }
    m_handle->run("COMMIT");
  } catch (...) {
    sqlite3_exec(m_handle->db.get(), "ROLLBACK", nullptr, nullptr, nullptr);
    throw;
  }
}

void Journal::begin_step(const std::string& id, unsigned number) {
  Statement(*m_handle,
            "UPDATE step SET state = 'running', started = ? WHERE job = ? AND number = ?")
      .bind(std::int64_t{std::time(nullptr)})
      .bind(id)
      .bind(std::int64_t{number})
      .next();
}

void Journal::note_made(const std::string& id, unsigned number, const std::string& made) {
  Statement(*m_handle, "UPDATE step SET made = ? WHERE job = ? AND number = ?")
      .bind(made)
      .bind(id)
      .bind(std::int64_t{number})
      .next();
}

void Journal::finish_step(const std::string& id, unsigned number) {
  Statement(*m_handle, "UPDATE step SET state = 'done', finished = ? WHERE job = ? AND number = ?")
      .bind(std::int64_t{std::time(nullptr)})
      .bind(id)
      .bind(std::int64_t{number})
      .next();
}

void Journal::undo_step(const std::string& id, unsigned number) {
  Statement(*m_handle, "UPDATE step SET state = 'undone', made = '' WHERE job = ? AND number = ?")
      .bind(id)
      .bind(std::int64_t{number})
      .next();
}

void Journal::forget(const std::string& id) {
  Statement(*m_handle, "DELETE FROM job WHERE id = ?").bind(id).next();
}

namespace {

constexpr const char* k_job_columns =
    "SELECT id, guest, name, source, state, error, created, updated, program FROM job ";

template <class Row>
JobRecord to_job(const Row& row) {
  return {row.text(0),
          row.text(1),
          row.text(2),
          row.text(3),
          state_of<JobState>(k_job_states, row.text(4)),
          row.text(5),
          row.integer(6),
          row.integer(7),
          row.text(8)};
}

}  // namespace

std::optional<JobRecord> Journal::job(const std::string& id) const {
  Statement row(*m_handle, fmt::format("{} WHERE id = ?", k_job_columns).c_str());
  row.bind(id);
  return row.next() ? std::optional(to_job(row)) : std::nullopt;
}

std::vector<JobRecord> Journal::jobs() const {
  Statement row(*m_handle, fmt::format("{} ORDER BY created, id", k_job_columns).c_str());
  std::vector<JobRecord> jobs;
  while (row.next()) {
    jobs.push_back(to_job(row));
  }
  return jobs;
}

std::vector<StepRecord> Journal::steps(const std::string& id) const {
  Statement row(*m_handle,
                "SELECT number, what, state, started, finished, made FROM step WHERE job = ? "
                "ORDER BY number");
  row.bind(id);
  std::vector<StepRecord> steps;
  while (row.next()) {
    steps.push_back({static_cast<unsigned>(row.integer(0)), row.text(1),
                     state_of<StepState>(k_step_states, row.text(2)), row.integer(3),
                     row.integer(4), row.text(5)});
  }
  return steps;
}

}  // namespace vmconvert::job
