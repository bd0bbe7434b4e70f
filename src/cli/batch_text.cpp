#include "cli/batch_text.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"
#include "cli/progress_view.hpp"
#include "report/list.hpp"

namespace vmconvert::cli {
namespace {

using model::GuestRecord;
using model::Standing;

std::string one_line(const std::string& text) {
  return replace_all(printable(text), "\n", " ");
}

// A name column must not be torn by a guest's own name; bytes of UTF-8 are kept together.
std::string cut(std::string text, std::size_t width) {
  if (text.size() <= width) {
    return text;
  }
  while (width > 0 && (static_cast<unsigned char>(text[width]) & 0xc0U) == 0x80U) {
    --width;
  }
  text.resize(width);
  return text;
}

std::string progress_text(const GuestRecord& record) {
  const model::GuestProgress& progress = record.progress;
  std::string text = one_line(progress.stage.empty() ? "starting" : progress.stage);
  if (!progress.what.empty()) {
    text += " " + one_line(progress.what);
  }
  if (progress.total.value > 0) {
    text +=
        fmt::format(" {:.0f}%", std::min(100.0, 100.0 * static_cast<double>(progress.done.value) /
                                                    static_cast<double>(progress.total.value)));
  }
  if (progress.bytes_per_second > 0) {
    text += fmt::format(", {}/s",
                        to_text(ByteCount{static_cast<std::uint64_t>(progress.bytes_per_second)}));
  }
  if (progress.seconds_left >= 0) {
    text += fmt::format(", {} left", duration_text(progress.seconds_left));
  }
  return text;
}

std::string news_of(const GuestRecord& record, std::int64_t now) {
  if (record.standing == Standing::running) {
    return progress_text(record);
  }
  if (record.next_try > now) {
    return fmt::format("tried again in {}: {}",
                       duration_text(static_cast<double>(record.next_try - now)),
                       one_line(record.error));
  }
  return one_line(record.error);
}

std::string time_text(std::int64_t seconds) {
  return seconds == 0 ? "-" : fmt::format("{:%Y-%m-%d %H:%M}", fmt::localtime(seconds));
}

}  // namespace

bool is_open(const GuestRecord& record) {
  return record.standing != Standing::done && record.standing != Standing::closed;
}

std::string guests_table(const std::vector<GuestRecord>& guests, std::int64_t now, unsigned width) {
  std::size_t names = 5;
  for (const GuestRecord& record : guests) {
    names = std::clamp<std::size_t>(one_line(record.guest).size(), names, 32);
  }
  std::string text =
      fmt::format("{:<{}} {:<11} {:<26} {}\n", "GUEST", names, "STATE", "REACHED", "NEWS");
  for (const GuestRecord& record : guests) {
    std::string line = fmt::format("{:<{}} {:<11} {:<26} {}", cut(one_line(record.guest), names),
                                   names, model::to_string(record.standing),
                                   report::milestone_text(record), news_of(record, now));
    line.erase(line.find_last_not_of(' ') + 1);
    text += (width == 0 ? line : cut(line, width)) + "\n";
  }
  return text;
}

std::string batch_summary(const batch::RunReport& report, const std::string& words,
                          const std::filesystem::path& folder) {
  unsigned done = 0;
  for (const GuestRecord& record : report.guests) {
    done += record.standing == Standing::done ? 1U : 0U;
  }
  std::string text = fmt::format(
      "Batch {}: {} of {} guests done; this run: {} succeeded, {} failed, {} "
      "interrupted, in {}\n",
      one_line(report.batch), done, report.guests.size(), report.succeeded, report.failed,
      report.interrupted, duration_text(report.seconds));
  if (report.stopped) {
    text += "A signal stopped the run.\n";
  }
  if (report.held_back > 0) {
    text += fmt::format("{} guest(s) did not begin: a group before theirs had a failure.\n",
                        report.held_back);
  }
  if (report.left > 0 && report.next_opening > 0) {
    text += fmt::format("{} guest(s) are left for the next window, {}.\n", report.left,
                        time_text(report.next_opening));
  }
  std::size_t shown = 0;
  constexpr std::size_t k_most = 50;  // a mail, not a log
  for (const GuestRecord& record : report.guests) {
    if (record.standing != Standing::failed && record.standing != Standing::interrupted) {
      continue;
    }
    if (++shown > k_most) {
      continue;
    }
    text += fmt::format("\n{} {} (exit {}): {}\n", model::to_string(record.standing),
                        one_line(record.guest), record.exit_code, one_line(record.error));
    text += fmt::format("    source {}, job {}, log {}\n", one_line(record.source),
                        record.job.empty() ? "-" : record.job,
                        (folder / (batch::file_name(record.guest) + ".log")).string());
  }
  if (shown > k_most) {
    text += fmt::format("\n... and {} more: vmconvert batch status {}\n", shown - k_most,
                        one_line(report.batch));
  }
  if (shown > 0) {
    text += fmt::format(
        "\nThe same command goes on with what is unfinished and tries again what failed:\n"
        "    vmconvert batch {}\nWhat shall be left alone is closed: vmconvert batch close GUEST\n",
        words);
  }
  return text;
}

}  // namespace vmconvert::cli
