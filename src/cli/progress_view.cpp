#include "cli/progress_view.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <csignal>

#include "base/text.hpp"
#include "report/json.hpp"

namespace vmconvert::cli {
namespace {

using namespace std::chrono_literals;

constexpr auto k_bar_interval = 100ms;
constexpr auto k_line_interval = 10s;
constexpr auto k_json_interval = 500ms;

double seconds_between(ProgressView::Clock::time_point from, ProgressView::Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

unsigned terminal_width(int fd) {
  winsize size{};
  return ::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80;
}

// Stages whose done and total are seconds against a limit rather than bytes.
bool counts_seconds(const model::Progress& progress) {
  return progress.stage == "trial";
}

}  // namespace

std::string duration_text(double seconds) {
  const auto whole = static_cast<unsigned long long>(std::llround(std::max(0.0, seconds)));
  if (whole >= 3600) {
    return fmt::format("{} h {:02} min", whole / 3600, whole % 3600 / 60);
  }
  return whole >= 60 ? fmt::format("{} min {:02} s", whole / 60, whole % 60)
                     : fmt::format("{} s", whole);
}

std::string bar_text(const model::Progress& progress, double seconds, unsigned width) {
  std::string text = fmt::format("{:<9} {}", progress.stage, printable(progress.what));
  std::string tail = duration_text(seconds);
  double share = -1;
  if (counts_seconds(progress)) {
    tail = fmt::format("{} of at most {}", duration_text(static_cast<double>(progress.done.value)),
                       duration_text(static_cast<double>(progress.total.value)));
  } else if (progress.total.value > 0) {
    const auto done = static_cast<double>(progress.done.value);
    share = std::min(1.0, done / static_cast<double>(progress.total.value));
    const double rate = seconds > 0.2 ? done / seconds : 0;
    tail = fmt::format("{:3.0f}% {} of {}", share * 100, to_text(progress.done),
                       to_text(progress.total));
    if (rate > 0) {
      const double left = (static_cast<double>(progress.total.value) - done) / rate;
      tail += fmt::format(", {}/s, {} left", to_text(ByteCount{static_cast<std::uint64_t>(rate)}),
                          duration_text(left));
    }
  }
  constexpr std::size_t k_bar_width = 24;
  const std::size_t bar_width = share >= 0 && width > tail.size() + 50 ? k_bar_width + 3 : 0;
  const std::size_t room =
      width > tail.size() + bar_width + 3 ? width - tail.size() - bar_width - 3 : 0;
  std::replace(text.begin(), text.end(), '\n', ' ');
  std::replace(text.begin(), text.end(), '\t', ' ');
  text.resize(room, ' ');
  if (bar_width > 0) {
    const auto filled = static_cast<std::size_t>(share * k_bar_width);
    text +=
        fmt::format(" [{}{}]", std::string(filled, '#'), std::string(k_bar_width - filled, ' '));
  }
  return fmt::format("{} {}", text, tail);
}

std::string line_text(const model::Progress& progress, double seconds) {
  std::string text =
      fmt::format("[{:>4.0f} s] {}: {}", seconds, progress.stage, printable(progress.what));
  if (progress.total.value > 0 && !counts_seconds(progress)) {
    text += fmt::format(", {} of {}", to_text(progress.done), to_text(progress.total));
  }
  return replace_all(std::move(text), "\n", " ");
}

ProgressView::ProgressView(ProgressMode mode, int fd) : m_mode(mode), m_fd(fd) {
  if (mode == ProgressMode::bar) {
    m_ticker = std::thread([this] { tick(); });
  }
}

ProgressView::~ProgressView() {
  if (m_ticker.joinable()) {
    {
      const std::lock_guard guard(m_mutex);
      m_done = true;
    }
    m_wake.notify_all();
    m_ticker.join();
  }
  clear();
}

void ProgressView::tick() {
  sigset_t all;  // signals are for the threads that work
  sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
  std::unique_lock lock(m_mutex);
  while (!m_done) {
    m_wake.wait_for(lock, 1s);
    if (m_bar_visible && !m_done) {
      draw(m_current, Clock::now());
    }
  }
}

void ProgressView::write_all(std::string_view text) const {
  while (!text.empty()) {
    const ssize_t put = ::write(m_fd, text.data(), text.size());
    if (put <= 0) {
      return;  // nobody looks any more
    }
    text.remove_prefix(static_cast<std::size_t>(put));
  }
}

void ProgressView::show(const model::Progress& progress) {
  if (m_mode == ProgressMode::none) {
    return;
  }
  const std::lock_guard guard(m_mutex);
  const auto now = Clock::now();
  // A new stage, or the next disk of one, starts a new measure; a changing text does not.
  const bool new_text = progress.what != m_current.what;
  const bool measured = progress.total.value > 0 && !counts_seconds(progress);
  const bool new_work = progress.stage != m_current.stage || (new_text && measured);
  if (new_work) {
    m_stage_start = now;
  }
  m_current = progress;
  const auto interval = m_mode == ProgressMode::bar    ? Clock::duration(k_bar_interval)
                        : m_mode == ProgressMode::json ? Clock::duration(k_json_interval)
                                                       : Clock::duration(k_line_interval);
  // The console of a trial changes all the time; other texts are steps.
  const bool announce = new_work || (new_text && progress.stage != "trial");
  if (announce || !m_last_drawn || now - *m_last_drawn >= interval) {
    m_last_drawn = now;
    draw(progress, now);
  }
}

void ProgressView::announce(const std::string& job, const std::string& guest) {
  const std::lock_guard guard(m_mutex);
  m_subject = {job, guest};
  if (m_mode == ProgressMode::json) {
    write_all(report::job_to_json_line(job, guest, seconds_between(m_start, Clock::now())) + "\n");
  }
}

ProgressView::Subject ProgressView::subject() {
  const std::lock_guard guard(m_mutex);
  return m_subject;
}

void ProgressView::draw(const model::Progress& progress, Clock::time_point now) {
  const double seconds = seconds_between(m_stage_start, now);
  if (m_mode == ProgressMode::json) {
    write_all(report::to_json_line(progress, seconds_between(m_start, now)) + "\n");
  } else if (m_mode == ProgressMode::bar) {
    write_all("\r\x1b[K" + bar_text(progress, seconds, terminal_width(m_fd) - 1));
    m_bar_visible = true;
  } else {
    write_all(line_text(progress, seconds_between(m_start, now)) + "\n");
  }
}

void ProgressView::clear() {
  const std::lock_guard guard(m_mutex);
  if (m_bar_visible) {
    write_all("\r\x1b[K");
    m_bar_visible = false;
  }
}

void ProgressView::print(std::string_view text) {
  clear();
  const std::lock_guard guard(m_mutex);
  write_all(fmt::format("{}\n", text));
}

}  // namespace vmconvert::cli
