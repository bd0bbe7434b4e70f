#include "batch/run.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <thread>

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "batch/blueprint_write.hpp"
#include "batch/devices.hpp"
#include "batch/process.hpp"
#include "batch/rates.hpp"
#include "batch/schedule.hpp"
#include "batch/settle.hpp"
#include "batch/store.hpp"
#include "job/source.hpp"
#include "job/workspace.hpp"

namespace vmconvert::batch {
namespace {

namespace fs = std::filesystem;
using model::GuestRecord;
using model::Milestone;
using model::Standing;

constexpr std::int64_t k_heartbeat = 2;  // seconds

std::string host_name() {
  std::array<char, 256> host{};
  static_cast<void>(::gethostname(host.data(), host.size() - 1));
  return host.data();
}

// On this host the batch's lock says that nobody works on it: what a killed run claimed is free.
bool another_hosts(const GuestRecord& record, std::int64_t now) {
  return !record.owner.empty() && !record.owner.starts_with(host_name() + " ") &&
         now - record.heartbeat <= GuestStore::k_claim_seconds;
}

class Runner {
 public:
  Runner(const Batch& batch, const RunOptions& options);
  RunReport run();

 private:
  struct Running {
    std::size_t guest;
    std::unique_ptr<GuestProcess> process;
  };

  void take_up(const GuestBlueprint& blueprint);
  void begin(std::size_t index);
  void look_at_processes();
  void settle(std::size_t index, GuestProcess& process, int exit_code);
  void beat(bool now_in_any_case);
  void share_rates();
  void stop_all();
  void finish(const Decision& decision);
  [[nodiscard]] std::vector<std::string> command_for(QueuedGuest& guest) const;
  [[nodiscard]] std::int64_t now() const { return m_options.clock(); }
  void write(const GuestRecord& record);
  void tell();

  const Batch& m_batch;
  const RunOptions& m_options;
  fs::path m_folder;
  job::Lock m_lock;
  GuestStore m_store;
  Limits m_limits;
  std::string m_owner = fmt::format("{} {}", host_name(), ::getpid());
  std::vector<QueuedGuest> m_guests;
  std::vector<Running> m_running;
  RateSharer m_rates;
  Experience m_experience;
  std::int64_t m_last_beat = 0;
  RunReport m_report;
};

Runner::Runner(const Batch& batch, const RunOptions& options)
    : m_batch(batch),
      m_options(options),
      m_folder(batch_folder(options.state_dir, batch.name)),
      m_lock(options.state_dir, "batch " + batch.name),
      m_store(options.state_dir),
      m_limits(limits_of(batch.settings)),
      m_rates(options.state_dir) {
  if (options.windows == WindowPolicy::ignore) {
    m_limits.windows.clear();
  }
  std::error_code error;
  fs::create_directories(m_folder, error);
  fs::permissions(m_folder, fs::perms::owner_all, error);
  for (const GuestBlueprint& blueprint : batch.guests) {
    take_up(blueprint);
  }
  sort_queue(m_guests, batch.settings.texts("groups"));
}

void Runner::write(const GuestRecord& record) {
  m_store.update(record);
}

// As the last run left it, and as the journal knows better by now.
void Runner::take_up(const GuestBlueprint& blueprint) {
  QueuedGuest guest;
  guest.blueprint = blueprint;
  GuestRecord& record = guest.record;
  record = m_store.find({m_batch.name, blueprint.label()}).value_or(GuestRecord{});
  if (another_hosts(record, now())) {
    guest.turn = Turn::out;
    m_guests.push_back(std::move(guest));
    return;
  }
  record.batch = m_batch.name;
  record.guest = blueprint.label();
  record.source = blueprint.text("source");
  record.connect = blueprint.text("connect");
  record.group = blueprint.text("group");
  record.order = static_cast<std::int64_t>(blueprint.number("order", 0));
  record.attempts = 0;
  record.next_try = 0;
  reach(record, Milestone::discovered, now());
  guest.resume = recall(record, m_options.state_dir, now());
  const bool tried = m_options.goal == Goal::trial && record.time_of(Milestone::tried) != 0;
  if (record.standing == Standing::closed || record.standing == Standing::done || tried) {
    guest.turn = Turn::out;
  }
  write(record);
  m_guests.push_back(std::move(guest));
}

// What its own process would read again, but before that: whether it may begin depends on it.
void look_at_source(QueuedGuest& guest) {
  try {
    const auto opened = job::open_source({guest.record.source, guest.record.connect});
    const SourceExtent extent = look_at_disks(opened.domain);
    guest.devices = extent.devices;
    if (guest.record.measure.size.value == 0) {
      guest.record.measure.size = extent.size;
    }
  } catch (const Error& error) {
    log_detail(error.message());  // its process will say so, where the batch can tell of it
  }
}

std::vector<std::string> Runner::command_for(QueuedGuest& guest) const {
  const std::string name = file_name(guest.record.guest);
  std::vector<std::string> argv = {m_options.program.string()};
  if (guest.resume) {
    argv.insert(argv.end(), {"resume", guest.record.job});
  } else {
    // What it is told is what this run read, also if somebody edits the blueprint meanwhile.
    AtomicFile file(m_folder / (name + ".toml"), 0600);
    file.write(to_toml(guest.blueprint));
    file.commit(Overwrite::yes);
    argv.insert(argv.end(), {m_options.goal == Goal::trial ? "trial" : "convert",
                             "--blueprint=" + (m_folder / (name + ".toml")).string()});
    const std::uint64_t limit = m_rates.first_share(m_limits.rates.at(now()), m_limits.jobs,
                                                    guest.blueprint.number("rate_limit", 0));
    if (limit > 0 && m_options.goal == Goal::cutover) {
      argv.push_back(fmt::format("--rate-limit={}", limit));
    }
  }
  argv.insert(argv.end(),
              {"--json", "--progress=json", "--state-dir=" + m_options.state_dir.string()});
  if (!guest.resume) {
    argv.insert(argv.end(), {"--", guest.record.source});
  }
  return argv;
}

void Runner::begin(std::size_t index) {
  QueuedGuest& guest = m_guests[index];
  GuestRecord& record = guest.record;
  if (!m_store.claim(key_of(record), m_owner, now())) {
    guest.turn = Turn::out;  // another batch of this name, on another host
    return;
  }
  record.standing = Standing::running;
  record.started = now();
  record.ended = 0;
  record.error.clear();
  record.exit_code = 0;
  record.updated = now();
  ++record.attempts;
  if (guest.resume) {
    m_rates.prepare(record.job, m_limits.rates.at(now()), m_limits.jobs,
                    guest.blueprint.number("rate_limit", 0));
  }
  const auto argv = command_for(guest);
  log_detail(fmt::format("{}: {}", printable(record.guest),
                         guest.resume ? "resume " + record.job : argv[1]));
  if (!guest.resume) {
    record.job.clear();
  }
  m_running.push_back(
      {index, std::make_unique<GuestProcess>(argv, m_folder, file_name(record.guest))});
  guest.turn = Turn::running;
  ++m_report.started;
  write(record);
}

void Runner::look_at_processes() {
  for (std::size_t i = 0; i < m_running.size();) {
    Running& running = m_running[i];
    const auto ended = running.process->poll();
    GuestRecord& record = m_guests[running.guest].record;
    if (!running.process->job().empty() && record.job != running.process->job()) {
      record.job = running.process->job();
      write(record);  // at once: whatever ends us, the next run goes on with it
    }
    if (ended) {
      settle(running.guest, *running.process, *ended);
      m_running.erase(m_running.begin() + static_cast<long>(i));
      share_rates();
      tell();
    } else {
      ++i;
    }
  }
}

void Runner::settle(std::size_t index, GuestProcess& process, int exit_code) {
  QueuedGuest& guest = m_guests[index];
  GuestRecord& record = guest.record;
  Ending ending;
  ending.exit_code = exit_code;
  ending.outcome = process.outcome();
  ending.last_words = process.last_words();
  ending.goal = m_options.goal;
  ending.starts = guest.blueprint.flag("start", false);
  ending.now = now();
  if (exit_code == 0 && m_options.goal == Goal::cutover) {
    ending.outcome.measure =
        measure_of_job(m_options.state_dir, process.job()).value_or(ending.outcome.measure);
  }
  apply(ending, record);
  guest.resume = recall(record, m_options.state_dir, now());
  m_experience = experience_of(m_store.watch());
  if (record.standing == Standing::done || record.standing == Standing::waiting) {
    guest.turn = Turn::succeeded;
    ++m_report.succeeded;
  } else if (can_pass(exit_code) && !m_report.stopped && record.attempts <= m_limits.retries) {
    guest.turn = Turn::pending;
    record.next_try = now() + backoff(m_limits, record.attempts);
    log_detail(fmt::format("{}: {}; tried again in {} s", printable(record.guest),
                           printable(record.error), record.next_try - now()));
  } else {
    guest.turn = Turn::failed;
    ++(record.standing == Standing::interrupted ? m_report.interrupted : m_report.failed);
  }
  write(record);
}

void Runner::beat(bool now_in_any_case) {
  if (!now_in_any_case && now() - m_last_beat < k_heartbeat) {
    return;
  }
  m_last_beat = now();
  for (const Running& running : m_running) {
    GuestRecord& record = m_guests[running.guest].record;
    record.progress = running.process->progress();
    m_store.heartbeat(key_of(record), m_owner, record.progress, now());
  }
  share_rates();
  tell();
}

void Runner::share_rates() {
  std::vector<RateSharer::Copy> copies;
  for (const Running& running : m_running) {
    const QueuedGuest& guest = m_guests[running.guest];
    copies.push_back({running.process->job(), running.process->progress().stage == "copy",
                      guest.blueprint.number("rate_limit", 0)});
  }
  m_rates.share(m_limits.rates.at(now()), m_limits.jobs, copies);
}

void Runner::tell() {
  if (m_options.watcher) {
    std::vector<GuestRecord> records;
    for (const QueuedGuest& guest : m_guests) {
      records.push_back(guest.record);
    }
    m_options.watcher(records);
  }
}

void Runner::stop_all() {
  m_report.stopped = true;
  log_detail(fmt::format("stopping {} conversion(s); they can go on later", m_running.size()));
  for (const Running& running : m_running) {
    running.process->ask_to_stop();
  }
  const auto deadline = std::chrono::steady_clock::now() + m_options.stop_limit;
  while (!m_running.empty() && std::chrono::steady_clock::now() < deadline) {
    look_at_processes();
    beat(false);
    std::this_thread::sleep_for(m_options.tick);
  }
  for (const Running& running : m_running) {
    running.process->kill();
  }
  look_at_processes();
}

void Runner::finish(const Decision& decision) {
  m_report.batch = m_batch.name;
  m_report.held_back = decision.held_back;
  m_report.left = decision.for_window + decision.waiting;
  if (decision.for_window > 0) {
    const std::int64_t opening = next_opening(m_limits.windows, now());
    m_report.next_opening =
        opening > now() ? opening
                        : next_opening(m_limits.windows,
                                       now() + seconds_open(m_limits.windows, now()).value_or(0));
  }
  for (const QueuedGuest& guest : m_guests) {
    m_report.guests.push_back(guest.record);
  }
}

RunReport Runner::run() {
  const auto start = std::chrono::steady_clock::now();
  for (QueuedGuest& guest : m_guests) {
    if (guest.turn == Turn::pending) {
      look_at_source(guest);
    }
  }
  m_experience = experience_of(m_store.watch());
  tell();
  Decision decision;
  while (true) {
    if (interrupted()) {
      stop_all();
    }
    look_at_processes();
    decision = decide(m_guests, m_limits, m_experience, now());
    if (m_report.stopped) {
      break;
    }
    for (const std::size_t index : decision.begin) {
      begin(index);
    }
    const bool later =
        decision.wake != 0 || (m_options.windows == WindowPolicy::wait && decision.for_window > 0);
    if (m_running.empty() && decision.begin.empty() && !later) {
      break;
    }
    beat(!decision.begin.empty());
    std::this_thread::sleep_for(m_options.tick);
  }
  finish(decision);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  m_report.seconds = took.count();
  return std::move(m_report);
}

}  // namespace

RunReport run_batch(const Batch& batch, const RunOptions& options) {
  return Runner(batch, options).run();
}

fs::path batch_folder(const fs::path& state_dir, const std::string& batch) {
  return state_dir / "batches" / file_name(batch);
}

std::string file_name(const std::string& label) {
  std::string name;
  for (const char c : label) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || (c == '.' && !name.empty());
    name += plain ? std::string(1, c) : fmt::format("%{:02x}", static_cast<unsigned char>(c));
  }
  constexpr std::size_t k_longest = 180;
  if (name.size() > k_longest) {
    name = fmt::format("{}-{:016x}", name.substr(0, k_longest), std::hash<std::string>()(label));
  }
  return name;
}

Batch read_batch(const std::vector<fs::path>& files) {
  Batch batch;
  std::vector<std::string> labels;
  bool named = false;
  for (const fs::path& path : files) {
    BlueprintFile file = read_blueprint(path);
    require_sound(file);
    if (!file.batch.settings.empty()) {
      if (named) {
        throw Error(ErrorKind::usage, fmt::format("{}: a second [batch]", path.string()),
                    "keep it in one of the files");
      }
      named = true;
      batch.settings = std::move(file.batch);
    }
    for (GuestBlueprint& guest : file.guests) {
      if (std::find(labels.begin(), labels.end(), guest.label()) != labels.end()) {
        throw Error(ErrorKind::usage,
                    fmt::format("{}:{}: a second guest called {}", path.string(), guest.line,
                                printable(guest.label())),
                    "give one of them another \"name\"");
      }
      labels.push_back(guest.label());
      batch.guests.push_back(std::move(guest));
    }
  }
  if (batch.guests.empty()) {
    throw Error(ErrorKind::usage, fmt::format("{} names no guest", files.front().string()),
                "write a [[guest]] for each; vmconvert blueprint new SOURCE makes one");
  }
  batch.name = batch.settings.text("name", files.front().stem().string());
  return batch;
}

}  // namespace vmconvert::batch
