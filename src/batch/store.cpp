#include "batch/store.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "job/database.hpp"

namespace vmconvert::batch {
namespace {

namespace fs = std::filesystem;
using job::Statement;
using model::GuestRecord;

constexpr int k_schema_version = 1;
constexpr int k_application_id = 0x766d6367;  // "vmcg"

// Columns are named at every use: a later version may add some.
constexpr const char* k_schema = R"(
CREATE TABLE guest (
  batch TEXT NOT NULL, guest TEXT NOT NULL,
  source TEXT NOT NULL DEFAULT '', connect TEXT NOT NULL DEFAULT '',
  grp TEXT NOT NULL DEFAULT '', ord INTEGER NOT NULL DEFAULT 0,
  standing TEXT NOT NULL DEFAULT 'waiting', job TEXT NOT NULL DEFAULT '',
  exit_code INTEGER NOT NULL DEFAULT 0, error TEXT NOT NULL DEFAULT '',
  attempts INTEGER NOT NULL DEFAULT 0, next_try INTEGER NOT NULL DEFAULT 0,
  started INTEGER NOT NULL DEFAULT 0, ended INTEGER NOT NULL DEFAULT 0,
  updated INTEGER NOT NULL DEFAULT 0,
  owner TEXT NOT NULL DEFAULT '', heartbeat INTEGER NOT NULL DEFAULT 0,
  stage TEXT NOT NULL DEFAULT '', what TEXT NOT NULL DEFAULT '',
  done INTEGER NOT NULL DEFAULT 0, total INTEGER NOT NULL DEFAULT 0,
  rate REAL NOT NULL DEFAULT 0, seconds_left REAL NOT NULL DEFAULT -1,
  to_move INTEGER NOT NULL DEFAULT 0, move_seconds REAL NOT NULL DEFAULT 0,
  other_seconds REAL NOT NULL DEFAULT 0, size INTEGER NOT NULL DEFAULT 0,
  skipped INTEGER NOT NULL DEFAULT 0,
  revision INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (batch, guest)
) WITHOUT ROWID;
CREATE TABLE milestone (
  batch TEXT NOT NULL, guest TEXT NOT NULL, name TEXT NOT NULL, reached INTEGER NOT NULL,
  PRIMARY KEY (batch, guest, name),
  FOREIGN KEY (batch, guest) REFERENCES guest (batch, guest) ON DELETE CASCADE
) WITHOUT ROWID;
)";

constexpr const char* k_columns =
    "SELECT batch, guest, source, connect, grp, ord, standing, job, exit_code, error, attempts, "
    "next_try, started, ended, updated, owner, heartbeat, stage, what, done, total, rate, "
    "seconds_left, to_move, move_seconds, other_seconds, size, skipped, revision FROM guest ";

// In every write: the number of the change.
constexpr const char* k_next_revision = "(SELECT coalesce(max(revision), 0) + 1 FROM guest)";

std::int64_t signed_of(ByteCount size) {
  return static_cast<std::int64_t>(size.value);
}

ByteCount bytes_of(std::int64_t number) {
  return ByteCount{number < 0 ? 0 : static_cast<std::uint64_t>(number)};
}

GuestRecord record_of(const Statement& row) {
  GuestRecord record;
  record.batch = row.text(0);
  record.guest = row.text(1);
  record.source = row.text(2);
  record.connect = row.text(3);
  record.group = row.text(4);
  record.order = row.integer(5);
  const auto standing = model::standing_from(row.text(6));
  if (!standing) {
    throw Error(ErrorKind::bad_input,
                fmt::format("the store of guests knows no standing \"{}\"", row.text(6)));
  }
  record.standing = *standing;
  record.job = row.text(7);
  record.exit_code = static_cast<int>(row.integer(8));
  record.error = row.text(9);
  record.attempts = static_cast<unsigned>(row.integer(10));
  record.next_try = row.integer(11);
  record.started = row.integer(12);
  record.ended = row.integer(13);
  record.updated = row.integer(14);
  record.owner = row.text(15);
  record.heartbeat = row.integer(16);
  record.progress = {
      row.text(17), row.text(18), bytes_of(row.integer(19)), bytes_of(row.integer(20)),
      row.real(21), row.real(22)};
  record.measure = {bytes_of(row.integer(23)), row.real(24), row.real(25),
                    bytes_of(row.integer(26)), bytes_of(row.integer(27))};
  record.revision = row.integer(28);
  return record;
}

}  // namespace

struct GuestStore::Handle {
  job::Database db;

  explicit Handle(const fs::path& state_dir)
      : db(state_dir / k_file,
           {"the store of guests", "move the file away: it is no store of vmconvert's",
            k_application_id, k_schema_version, k_schema}) {}

  void read_milestones(GuestRecord& record) const {
    Statement row(db, "SELECT name, reached FROM milestone WHERE batch = ? AND guest = ?");
    row.bind(record.batch).bind(record.guest);
    while (row.next()) {
      if (const auto milestone = model::milestone_from(row.text(0))) {
        record.reached.at(static_cast<std::size_t>(*milestone)) = row.integer(1);
      }
    }
  }

  void write_milestones(const GuestRecord& record) const {
    Statement(db, "DELETE FROM milestone WHERE batch = ? AND guest = ?")
        .bind(record.batch)
        .bind(record.guest)
        .next();
    for (std::size_t i = 0; i < model::k_milestones; ++i) {
      if (record.reached.at(i) != 0) {
        Statement(db, "INSERT INTO milestone (batch, guest, name, reached) VALUES (?, ?, ?, ?)")
            .bind(record.batch)
            .bind(record.guest)
            .bind(std::string(model::to_string(static_cast<model::Milestone>(i))))
            .bind(record.reached.at(i))
            .next();
      }
    }
  }

  void make(const GuestKey& key) const {
    Statement(db, fmt::format("INSERT OR IGNORE INTO guest (batch, guest, revision) "
                              "VALUES (?, ?, {})",
                              k_next_revision)
                      .c_str())
        .bind(key.batch)
        .bind(key.guest)
        .next();
  }
};

GuestStore::GuestStore(const fs::path& state_dir) : m_handle(std::make_unique<Handle>(state_dir)) {}
GuestStore::GuestStore(GuestStore&&) noexcept = default;
GuestStore& GuestStore::operator=(GuestStore&&) noexcept = default;
GuestStore::~GuestStore() = default;

bool GuestStore::claim(const GuestKey& key, const std::string& owner, std::int64_t now) {
  bool ours = false;
  m_handle->db.transaction([&] {
    m_handle->make(key);
    Statement row(m_handle->db, "SELECT owner, heartbeat FROM guest WHERE batch = ? AND guest = ?");
    row.bind(key.batch).bind(key.guest);
    ours = row.next() &&
           (row.text(0).empty() || row.text(0) == owner || now - row.integer(1) > k_claim_seconds);
    if (ours) {
      Statement(m_handle->db,
                fmt::format("UPDATE guest SET owner = ?, heartbeat = ?, standing = 'running', "
                            "stage = '', what = '', done = 0, total = 0, rate = 0, "
                            "seconds_left = -1, revision = {} WHERE batch = ? AND guest = ?",
                            k_next_revision)
                    .c_str())
          .bind(owner)
          .bind(now)
          .bind(key.batch)
          .bind(key.guest)
          .next();
    }
  });
  return ours;
}

bool GuestStore::heartbeat(const GuestKey& key, const std::string& owner,
                           const model::GuestProgress& progress, std::int64_t now) {
  bool ours = false;
  m_handle->db.transaction([&] {
    Statement row(m_handle->db, "SELECT owner FROM guest WHERE batch = ? AND guest = ?");
    row.bind(key.batch).bind(key.guest);
    ours = row.next() && row.text(0) == owner;
    if (ours) {
      Statement(m_handle->db,
                fmt::format("UPDATE guest SET heartbeat = ?, stage = ?, what = ?, done = ?, "
                            "total = ?, rate = ?, seconds_left = ?, revision = {} "
                            "WHERE batch = ? AND guest = ?",
                            k_next_revision)
                    .c_str())
          .bind(now)
          .bind(progress.stage)
          .bind(progress.what)
          .bind(signed_of(progress.done))
          .bind(signed_of(progress.total))
          .bind(progress.bytes_per_second)
          .bind(progress.seconds_left)
          .bind(key.batch)
          .bind(key.guest)
          .next();
    }
  });
  return ours;
}

void GuestStore::update(const GuestRecord& record) {
  m_handle->db.transaction([&] {
    m_handle->make(key_of(record));
    const bool running = record.standing == model::Standing::running;
    Statement(m_handle->db,
              fmt::format("UPDATE guest SET source = ?, connect = ?, grp = ?, ord = ?, "
                          "standing = ?, job = ?, exit_code = ?, error = ?, attempts = ?, "
                          "next_try = ?, started = ?, ended = ?, updated = ?, to_move = ?, "
                          "move_seconds = ?, other_seconds = ?, size = ?, skipped = ?{}, "
                          "revision = {} WHERE batch = ? AND guest = ?",
                          running ? "" : ", owner = '', stage = '', what = ''", k_next_revision)
                  .c_str())
        .bind(record.source)
        .bind(record.connect)
        .bind(record.group)
        .bind(record.order)
        .bind(std::string(model::to_string(record.standing)))
        .bind(record.job)
        .bind(std::int64_t{record.exit_code})
        .bind(record.error)
        .bind(std::int64_t{record.attempts})
        .bind(record.next_try)
        .bind(record.started)
        .bind(record.ended)
        .bind(record.updated)
        .bind(signed_of(record.measure.to_move))
        .bind(record.measure.move_seconds)
        .bind(record.measure.other_seconds)
        .bind(signed_of(record.measure.size))
        .bind(signed_of(record.measure.skipped))
        .bind(record.batch)
        .bind(record.guest)
        .next();
    m_handle->write_milestones(record);
  });
}

std::vector<GuestRecord> GuestStore::watch(const std::optional<std::string>& batch,
                                           std::int64_t since) const {
  Statement row(m_handle->db, fmt::format("{} WHERE revision > ? {} ORDER BY batch, ord, guest",
                                          k_columns, batch ? "AND batch = ?" : "")
                                  .c_str());
  row.bind(since);
  if (batch) {
    row.bind(*batch);
  }
  std::vector<GuestRecord> records;
  while (row.next()) {
    records.push_back(record_of(row));
  }
  for (GuestRecord& record : records) {
    m_handle->read_milestones(record);
  }
  return records;
}

std::optional<GuestRecord> GuestStore::find(const GuestKey& key) const {
  Statement row(m_handle->db, fmt::format("{} WHERE batch = ? AND guest = ?", k_columns).c_str());
  row.bind(key.batch).bind(key.guest);
  if (!row.next()) {
    return std::nullopt;
  }
  GuestRecord record = record_of(row);
  m_handle->read_milestones(record);
  return record;
}

}  // namespace vmconvert::batch
