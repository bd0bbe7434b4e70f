#include "job/journal.hpp"

#include <fmt/format.h>

#include <array>
#include <ctime>

#include "base/error.hpp"
#include "job/database.hpp"

namespace vmconvert::job {
namespace {

namespace fs = std::filesystem;

constexpr int k_schema_version = 1;
constexpr int k_application_id = 0x766d6376;  // "vmcv": other programs' databases are not touched

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
  Database db;

  explicit Handle(const fs::path& state_dir)
      : db(state_dir / "jobs.sqlite",
           {"the journal", "move the file away: it is no journal of vmconvert's", k_application_id,
            k_schema_version, k_schema}) {}
};

Journal::Journal(const fs::path& state_dir) : m_handle(std::make_unique<Handle>(state_dir)) {}

Journal::Journal(Journal&&) noexcept = default;
Journal& Journal::operator=(Journal&&) noexcept = default;
Journal::~Journal() = default;

void Journal::add(const JobRecord& job) {
  const std::int64_t now = std::time(nullptr);
  Statement(m_handle->db, "INSERT INTO job VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
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
  Statement(m_handle->db, "UPDATE job SET guest = ?, name = ? WHERE id = ?")
      .bind(guest)
      .bind(name)
      .bind(id)
      .next();
}

void Journal::set_state(const std::string& id, JobState state, const std::string& error) {
  Statement(m_handle->db, "UPDATE job SET state = ?, error = ?, updated = ? WHERE id = ?")
      .bind(std::string(to_string(state)))
      .bind(error)
      .bind(std::int64_t{std::time(nullptr)})
      .bind(id)
      .next();
}

void Journal::set_steps(const std::string& id, const std::vector<std::string>& what) {
  m_handle->db.transaction([&] {
    Statement(m_handle->db, "DELETE FROM step WHERE job = ?").bind(id).next();
    for (std::size_t i = 0; i < what.size(); ++i) {
      Statement(m_handle->db, "INSERT INTO step VALUES (?, ?, ?, 'pending', 0, 0, '')")
          .bind(id)
          .bind(static_cast<std::int64_t>(i + 1))
          .bind(what[i])
          .next();
    }
  });
}

void Journal::begin_step(const std::string& id, unsigned number) {
  Statement(m_handle->db,
            "UPDATE step SET state = 'running', started = ? WHERE job = ? AND number = ?")
      .bind(std::int64_t{std::time(nullptr)})
      .bind(id)
      .bind(std::int64_t{number})
      .next();
}

void Journal::note_made(const std::string& id, unsigned number, const std::string& made) {
  Statement(m_handle->db, "UPDATE step SET made = ? WHERE job = ? AND number = ?")
      .bind(made)
      .bind(id)
      .bind(std::int64_t{number})
      .next();
}

void Journal::finish_step(const std::string& id, unsigned number) {
  Statement(m_handle->db,
            "UPDATE step SET state = 'done', finished = ? WHERE job = ? AND number = ?")
      .bind(std::int64_t{std::time(nullptr)})
      .bind(id)
      .bind(std::int64_t{number})
      .next();
}

void Journal::undo_step(const std::string& id, unsigned number) {
  Statement(m_handle->db,
            "UPDATE step SET state = 'undone', made = '' WHERE job = ? AND number = ?")
      .bind(id)
      .bind(std::int64_t{number})
      .next();
}

void Journal::describe_step(const std::string& id, unsigned number, const std::string& what) {
  const std::int64_t now = std::time(nullptr);
  m_handle->db.transaction([&] {
    Statement(m_handle->db, "UPDATE step SET what = ?, finished = ? WHERE job = ? AND number = ?")
        .bind(what)
        .bind(now)
        .bind(id)
        .bind(std::int64_t{number})
        .next();
    Statement(m_handle->db, "UPDATE job SET updated = ? WHERE id = ?").bind(now).bind(id).next();
  });
}

unsigned Journal::add_step(const std::string& id, const std::string& what) {
  const std::int64_t now = std::time(nullptr);
  unsigned number = 0;
  m_handle->db.transaction([&] {
    Statement last(m_handle->db, "SELECT COALESCE(MAX(number), 0) FROM step WHERE job = ?");
    last.bind(id).next();
    number = static_cast<unsigned>(last.integer(0)) + 1;
    Statement(m_handle->db, "INSERT INTO step VALUES (?, ?, ?, 'done', ?, ?, '')")
        .bind(id)
        .bind(std::int64_t{number})
        .bind(what)
        .bind(now)
        .bind(now)
        .next();
  });
  return number;
}

void Journal::forget(const std::string& id) {
  Statement(m_handle->db, "DELETE FROM job WHERE id = ?").bind(id).next();
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
  Statement row(m_handle->db, fmt::format("{} WHERE id = ?", k_job_columns).c_str());
  row.bind(id);
  return row.next() ? std::optional(to_job(row)) : std::nullopt;
}

std::vector<JobRecord> Journal::jobs() const {
  Statement row(m_handle->db, fmt::format("{} ORDER BY created, id", k_job_columns).c_str());
  std::vector<JobRecord> jobs;
  while (row.next()) {
    jobs.push_back(to_job(row));
  }
  return jobs;
}

std::vector<StepRecord> Journal::steps(const std::string& id) const {
  Statement row(m_handle->db,
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
