// vmconvert batch FILE..., batch status, batch close, batch mark.
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <thread>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/text.hpp"
#include "batch/run.hpp"
#include "batch/settle.hpp"
#include "batch/store.hpp"
#include "cli/batch_text.hpp"
#include "cli/commands.hpp"
#include "cli/exit_code.hpp"
#include "cli/paths.hpp"
#include "cli/run.hpp"
#include "report/guest_json.hpp"
#include "report/list.hpp"

namespace vmconvert::cli {
namespace {

namespace fs = std::filesystem;
using model::GuestRecord;
using model::Milestone;
using model::Standing;

std::int64_t wall_clock() {
  return std::time(nullptr);
}

// Redraws a table in place.
class LiveTable {
 public:
  explicit LiveTable(int fd) : m_fd(fd) {}

  void draw(const std::vector<GuestRecord>& guests) {
    winsize size{};
    const bool known = ::ioctl(m_fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 20;
    const unsigned width = known ? size.ws_col - 1U : 79U;
    const std::size_t height = known && size.ws_row > 4 ? size.ws_row - 2U : 22U;
    std::vector<GuestRecord> shown = guests;
    // What happens now is at the top; a screen has no room for two hundred that are done.
    std::stable_sort(shown.begin(), shown.end(), [](const GuestRecord& a, const GuestRecord& b) {
      return rank(a.standing) < rank(b.standing);
    });
    const std::size_t more = shown.size() > height - 2 ? shown.size() - (height - 2) : 0;
    shown.resize(shown.size() - more);
    std::string text = m_lines > 0 ? fmt::format("\x1b[{}A\x1b[J", m_lines) : "";
    std::string table = guests_table(shown, wall_clock(), width);
    if (more > 0) {
      table += fmt::format("... and {} more\n", more);
    }
    m_lines = static_cast<std::size_t>(std::count(table.begin(), table.end(), '\n'));
    text += table;
    if (::write(m_fd, text.data(), text.size()) < 0) {
      m_lines = 0;  // nobody looks
    }
  }

 private:
  static int rank(Standing standing) {
    return standing == Standing::running                                       ? 0
           : standing == Standing::failed || standing == Standing::interrupted ? 1
           : standing == Standing::waiting                                     ? 2
                                                                               : 3;
  }

  int m_fd;
  std::size_t m_lines = 0;
};

int exit_code_of(const batch::RunReport& report) {
  const bool failed =
      std::any_of(report.guests.begin(), report.guests.end(),
                  [](const GuestRecord& record) { return record.standing == Standing::failed; });
  return failed ? k_exit_failed
         : report.stopped || report.interrupted > 0 || report.left > 0 || report.held_back > 0
             ? k_exit_interrupted
             : k_exit_done;
}

int run_files(const Options& options, ProgressView& view) {
  const batch::Batch read =
      batch::read_batch(std::vector<fs::path>(options.operands.begin(), options.operands.end()));
  batch::RunOptions run;
  run.state_dir = state_dir_of(options.state_dir);
  run.program = fs::read_symlink("/proc/self/exe");
  run.goal = options.trial_only || read.settings.flag("trial_only", false) ? batch::Goal::trial
                                                                           : batch::Goal::cutover;
  run.windows = options.any_time ? batch::WindowPolicy::ignore
                : options.wait   ? batch::WindowPolicy::wait
                                 : batch::WindowPolicy::leave;
  run.clock = wall_clock;
  LiveTable table(STDERR_FILENO);
  const bool live = progress_mode(options, ::isatty(STDERR_FILENO) == 1) == ProgressMode::bar;
  if (live) {
    run.watcher = [&table](const std::vector<GuestRecord>& guests) { table.draw(guests); };
  }
  const batch::RunReport report = batch::run_batch(read, run);
  const int code = exit_code_of(report);
  // cron mails what is written: nothing where all is well, or where nothing had to begin.
  const bool news = code != k_exit_done && (report.started > 0 || code == k_exit_failed);
  if (options.json) {
    print(view, report::guests_to_json(report.guests));
  } else if (!options.quiet && (news || ::isatty(STDOUT_FILENO) == 1 || options.verbose > 0)) {
    // Without it, what was only to be tried would be cut over.
    const std::string words =
        (options.trial_only ? "--trial-only " : "") + join(options.operands, " ");
    print(view, batch_summary(report, words, batch::batch_folder(run.state_dir, report.batch)));
  }
  return code;
}

// The guests of one batch, or all that are open, or with -v all.
std::vector<GuestRecord> chosen(const batch::GuestStore& store, const Options& options) {
  std::optional<std::string> batch;
  if (options.operands.size() > 1) {
    const std::string& word = options.operands[1];
    batch = fs::exists(word)
                ? batch::read_batch({options.operands.begin() + 1, options.operands.end()}).name
                : word;
  }
  std::vector<GuestRecord> records = store.watch(batch);
  if (batch && records.empty()) {
    throw Error(ErrorKind::not_found,
                fmt::format("nothing is known of a batch {}", printable(*batch)),
                "vmconvert batch status lists all; another state folder is named by --state-dir");
  }
  if (!batch && options.verbose == 0) {
    std::erase_if(records, [](const GuestRecord& record) { return !is_open(record); });
  }
  return records;
}

int show_status(const Options& options, ProgressView& view) {
  const batch::GuestStore store(state_dir_of(options.state_dir));
  if (options.json) {
    print(view, report::guests_to_json(chosen(store, options)));
    return k_exit_done;
  }
  if (options.watch) {
    LiveTable table(STDOUT_FILENO);
    while (!interrupted()) {
      const auto records = chosen(store, options);
      table.draw(records);
      if (std::none_of(records.begin(), records.end(), [](const GuestRecord& record) {
            return record.standing == Standing::running;
          })) {
        break;
      }
      std::this_thread::sleep_for(std::chrono::seconds(1));
    }
    return k_exit_done;
  }
  const auto records = chosen(store, options);
  print(view, records.empty() ? "no open guests\n" : guests_table(records, wall_clock(), 0));
  return k_exit_done;
}

// By name, and "BATCH/GUEST" where two batches have one of that name.
GuestRecord find_guest(const batch::GuestStore& store, const std::string& name) {
  std::vector<GuestRecord> found;
  for (GuestRecord& record : store.watch()) {
    if (record.guest == name || record.batch + "/" + record.guest == name) {
      found.push_back(std::move(record));
    }
  }
  if (found.empty()) {
    throw Error(ErrorKind::not_found, fmt::format("no batch has a guest {}", printable(name)),
                "vmconvert batch status -v lists them");
  }
  if (found.size() > 1) {
    throw Error(ErrorKind::usage,
                fmt::format("{} batches have a guest {}", found.size(), printable(name)),
                "name the batch, too: BATCH/GUEST");
  }
  return found.front();
}

int change(const Options& options, ProgressView& view, std::size_t first,
           const std::function<void(GuestRecord&)>& body) {
  if (options.operands.size() <= first) {
    throw Error(ErrorKind::usage, "no guest is named", "vmconvert batch status lists them");
  }
  batch::GuestStore store(state_dir_of(options.state_dir));
  for (std::size_t i = first; i < options.operands.size(); ++i) {
    GuestRecord record = find_guest(store, options.operands[i]);
    const bool fresh = wall_clock() - record.heartbeat <= batch::GuestStore::k_claim_seconds;
    if (record.standing == Standing::running && fresh) {
      throw Error(ErrorKind::busy, fmt::format("{} is being converted", printable(record.guest)),
                  "wait until its batch has ended, or stop it");
    }
    body(record);
    record.updated = wall_clock();
    store.update(record);
    if (!options.quiet) {
      print(view, fmt::format("{}: {}, {}\n", printable(record.guest),
                              model::to_string(record.standing), report::milestone_text(record)));
    }
  }
  return k_exit_done;
}

int close_guests(const Options& options, ProgressView& view) {
  return change(options, view, 1, [](GuestRecord& record) { record.standing = Standing::closed; });
}

int mark_guests(const Options& options, ProgressView& view) {
  const std::string word = options.operands.size() > 1 ? options.operands[1] : "";
  if (word == "open") {  // a closed one, or one that is to be converted again
    return change(options, view, 2,
                  [](GuestRecord& record) { record.standing = Standing::waiting; });
  }
  const auto milestone = model::milestone_from(word);
  if (!milestone || *milestone < Milestone::cut_over) {
    throw Error(ErrorKind::usage,
                fmt::format("\"{}\" is nothing that can be said of a guest", printable(word)),
                "batch mark cut-over|accepted|source-released|open GUEST...");
  }
  return change(options, view, 2, [&](GuestRecord& record) {
    if (record.time_of(Milestone::copied) == 0) {
      throw Error(ErrorKind::refused, fmt::format("{} is not copied yet", printable(record.guest)),
                  "convert it first");
    }
    batch::reach(record, *milestone, wall_clock());
  });
}

}  // namespace

int run_batch(const Options& options, ProgressView& view) {
  const std::string& verb = options.operands.front();
  return verb == "status"  ? show_status(options, view)
         : verb == "close" ? close_guests(options, view)
         : verb == "mark"  ? mark_guests(options, view)
                           : run_files(options, view);
}

}  // namespace vmconvert::cli
