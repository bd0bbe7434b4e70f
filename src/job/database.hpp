// An SQLite file of ours: opened with its version checked, written so that a call that returned is
// on the disk. The journal of jobs and the store of guests are such files.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/owned.hpp"

namespace vmconvert::job {

struct DatabaseKind {
  std::string name;        // "the journal", for messages
  std::string remedy;      // for a file that is not of this kind
  int application_id = 0;  // other programs' databases are not touched
  int version = 0;         // of the schema below; a file of another one is refused
  const char* schema = nullptr;
};

// One connection; not for several threads. Several processes may have the file open: each statement
// waits up to 10 s for the others. Error(io) naming the file for what SQLite cannot do,
// Error(bad_input) for a file of another kind or a later version.
class Database {
 public:
  Database(std::filesystem::path path, DatabaseKind kind);
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  void run(const char* sql) const {
    check(sqlite3_exec(m_db.get(), sql, nullptr, nullptr, nullptr));
  }
  // All of `body` or nothing; other processes' writes come before or after it.
  template <class Body>
  void transaction(Body&& body) const {
    run("BEGIN IMMEDIATE");
    try {
      body();
      run("COMMIT");
    } catch (...) {
      sqlite3_exec(m_db.get(), "ROLLBACK", nullptr, nullptr, nullptr);
      throw;
    }
  }

 private:
  friend class Statement;
  [[noreturn]] void fail(int code) const;
  void check(int code) const {
    if (code != SQLITE_OK) {
      fail(code);
    }
  }
  [[nodiscard]] int number(const char* sql) const;

  std::filesystem::path m_path;
  DatabaseKind m_kind;
  Owned<sqlite3, sqlite3_close> m_db;
};

// A prepared statement with its values bound in order.
class Statement {
 public:
  Statement(const Database& database, const char* sql);
  Statement& bind(const std::string& text);
  Statement& bind(std::int64_t number);
  Statement& bind(double number);
  // Whether there is a row.
  bool next();
  [[nodiscard]] std::string text(int column) const;
  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] double real(int column) const;

 private:
  const Database& m_database;
  Owned<sqlite3_stmt, sqlite3_finalize> m_statement;
  int m_bound = 0;
};

}  // namespace vmconvert::job
