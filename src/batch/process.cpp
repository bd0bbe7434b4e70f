#include "batch/process.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <csignal>

#include <nlohmann/json.hpp>

#include "base/fd.hpp"
#include "base/text.hpp"

namespace vmconvert::batch {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr std::size_t k_longest_line = 64U << 10U;
constexpr std::uint64_t k_result_limit = 256U << 20U;  // every edit of a guest is in it, as a diff
constexpr std::size_t k_longest_words = 2000;

std::string text_of(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

std::uint64_t number_of(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

const Json& list_of(const Json& json, const char* key) {
  static const Json k_none = Json::array();
  const auto found = json.find(key);
  return found != json.end() && found->is_array() ? *found : k_none;
}

fs::path emptied(fs::path path) {
  static_cast<void>(open_file(path, O_WRONLY | O_CREAT | O_TRUNC));
  return path;
}

}  // namespace

Outcome parse_outcome(const std::string& text) {
  Outcome outcome;
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) {
    return outcome;
  }
  outcome.said = true;
  outcome.job = text_of(json, "job");
  outcome.state = text_of(json, "state");
  outcome.error = text_of(json, "error");
  outcome.defined = !text_of(json, "defined_on").empty();
  if (const auto trial = json.find("trial"); trial != json.end() && trial->is_object()) {
    outcome.booted = trial->value("booted", Json(false)) == Json(true);
  }
  model::GuestMeasure& measure = outcome.measure;
  for (const Json& disk : list_of(json, "disks")) {
    if (disk.is_object()) {
      measure.to_move.value += number_of(disk, "written_bytes");
      measure.size.value += number_of(disk, "size_bytes");
      measure.skipped.value += number_of(disk, "skipped_bytes");
    }
  }
  for (const Json& stage : list_of(json, "stages")) {
    const std::string name = stage.is_object() ? text_of(stage, "name") : "";
    const auto seconds = name.empty() ? Json() : stage.value("seconds", Json());
    if (seconds.is_number()) {
      const bool moves = name.starts_with("copy") || name.starts_with("verify");
      (moves ? measure.move_seconds : measure.other_seconds) += seconds.get<double>();
    }
  }
  return outcome;
}

GuestProcess::GuestProcess(const std::vector<std::string>& argv, const fs::path& folder,
                           const std::string& name)
    : m_log(emptied(folder / (name + ".log"))), m_child(argv, ChildOptions{m_log}) {}

std::optional<int> GuestProcess::poll() {
  const auto ended = m_child.poll();  // first: what it said before its end is read after it
  read_events();
  return ended;
}

void GuestProcess::read_events() {
  const Fd fd = open_file(m_log, O_RDONLY);
  std::array<char, 65536> buffer{};
  for (ssize_t got = 0;
       (got = ::pread(fd.get(), buffer.data(), buffer.size(), static_cast<off_t>(m_read))) > 0;) {
    m_read += static_cast<std::uint64_t>(got);
    for (const char c : std::string_view(buffer.data(), static_cast<std::size_t>(got))) {
      if (c == '\n') {
        take_event(m_partial);
        m_partial.clear();
      } else if (m_partial.size() < k_longest_line) {
        m_partial += c;
      }
    }
  }
}

void GuestProcess::take_event(const std::string& line) {
  const Json json = line.starts_with('{') ? Json::parse(line, nullptr, false) : Json();
  if (!json.is_object()) {
    return;
  }
  if (text_of(json, "event") == "job") {
    m_job = text_of(json, "job");
    return;
  }
  if (text_of(json, "event") != "progress") {
    return;
  }
  model::GuestProgress next;
  next.stage = text_of(json, "stage");
  next.what = text_of(json, "what");
  next.done.value = number_of(json, "done");
  next.total.value = number_of(json, "total");
  const auto now = std::chrono::steady_clock::now();
  // A new piece of work is a new measure.
  if (next.stage != m_progress.stage || next.total != m_progress.total ||
      next.done < m_progress.done) {
    m_measured_since = now;
    m_measured_from = next.done.value;
  }
  const double seconds = std::chrono::duration<double>(now - m_measured_since).count();
  const bool counts_bytes = next.stage != "trial" && next.total.value > 0;
  if (counts_bytes && seconds > 0.5 && next.done.value > m_measured_from) {
    next.bytes_per_second = static_cast<double>(next.done.value - m_measured_from) / seconds;
    next.seconds_left =
        next.total < next.done
            ? 0
            : static_cast<double>(next.total.value - next.done.value) / next.bytes_per_second;
  }
  m_progress = next;
}

Outcome GuestProcess::outcome() const {
  // The result is the object that begins with a line of its own; events have one line each.
  const std::string text = read_text_file(m_log, k_result_limit);
  constexpr std::string_view k_begin = "\n{\n";
  constexpr std::string_view k_end = "\n}\n";
  const auto from = text.starts_with("{\n") ? 0 : text.rfind(k_begin);
  const auto to = from == std::string::npos ? from : text.find(k_end, from);
  return to == std::string::npos ? Outcome{}
                                 : parse_outcome(text.substr(from, to + k_end.size() - from));
}

std::string GuestProcess::last_words() const {
  const Fd fd = open_file(m_log, O_RDONLY);
  std::array<char, 65536> buffer{};
  const off_t from = m_read > buffer.size() ? static_cast<off_t>(m_read - buffer.size()) : off_t{0};
  const ssize_t got = ::pread(fd.get(), buffer.data(), buffer.size(), from);
  std::string said;
  for (const std::string& line :
       lines({buffer.data(), static_cast<std::size_t>(got > 0 ? got : 0)})) {
    constexpr std::string_view k_us = "vmconvert: ";
    if (line.starts_with(k_us)) {
      said = line.substr(k_us.size());
    }
  }
  return said.substr(0, k_longest_words);
}

void GuestProcess::ask_to_stop() {
  if (m_child.pid() > 0 && !m_child.poll()) {
    ::kill(-m_child.pid(), SIGTERM);
  }
}

}  // namespace vmconvert::batch
