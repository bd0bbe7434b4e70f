#include "report/metrics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>

#include "report/html_parts.hpp"

namespace vmconvert::report {
namespace {

// A label is any text in UTF-8. What is none, or would spoil a terminal, is shown by its number, so
// that two guests never get one label: the collector refuses a whole file for that.
std::string label(const std::string& text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    const std::size_t length = utf8_length(text, at);
    if (c == '\n') {
      out += "\\n";
    } else if (length == 0 || static_cast<unsigned char>(c) < 0x20 || c == '\x7f') {
      out += fmt::format("\\\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      out += c == '\\' || c == '"' ? "\\" : "";
      out += text.substr(at, length);
    }
    at += std::max<std::size_t>(1, length);
  }
  return out;
}

std::optional<double> number(const std::optional<std::uint64_t>& bytes) {
  return bytes ? std::optional(static_cast<double>(*bytes)) : std::nullopt;
}

std::string family(const char* name, const char* type, const char* help) {
  return fmt::format("# HELP {0} {2}\n# TYPE {0} {1}\n", name, type, help);
}

}  // namespace

std::string to_metrics(const std::vector<JobMetrics>& jobs) {
  std::map<std::string, unsigned> states;
  for (const char* state : {"running", "interrupted", "killed", "failed", "done", "undone"}) {
    states[state] = 0;  // a state that nothing is in is 0, not absent: alerts compare numbers
  }
  std::map<std::string, const JobMetrics*> last;
  for (const JobMetrics& job : jobs) {
    ++states[job.state];
    last[job.guest] = &job;
  }
  std::string text = family("vmconvert_jobs", "gauge", "Jobs in this host's journal, by state.");
  for (const auto& [state, count] : states) {
    text += fmt::format("vmconvert_jobs{{state=\"{}\"}} {}\n", label(state), count);
  }
  const auto each = [&](const char* name, const char* help,
                        const std::function<std::optional<double>(const JobMetrics&)>& value) {
    text += family(name, "gauge", help);
    for (const auto& [guest, job] : last) {
      if (const auto number = value(*job)) {
        text += fmt::format("{}{{guest=\"{}\"}} {:.10g}\n", name, label(guest), *number);
      }
    }
  };
  each("vmconvert_last_success", "Whether the last job of the guest ended well.",
       [](const JobMetrics& job) { return job.state == "done" ? 1.0 : 0.0; });
  each("vmconvert_last_change_timestamp_seconds", "When the last job of the guest last changed.",
       [](const JobMetrics& job) { return static_cast<double>(job.updated); });
  each("vmconvert_last_duration_seconds", "How long the last job of the guest worked.",
       [](const JobMetrics& job) { return job.seconds; });
  each("vmconvert_last_read_bytes", "Bytes that it read from the source.",
       [](const JobMetrics& job) { return number(job.read); });
  each("vmconvert_last_written_bytes", "Bytes that it wrote.",
       [](const JobMetrics& job) { return number(job.written); });
  each("vmconvert_last_skipped_bytes", "Bytes that it did not have to read.",
       [](const JobMetrics& job) { return number(job.skipped); });
  each("vmconvert_last_trial_seconds", "How long the guest took to its prompt in the trial.",
       [](const JobMetrics& job) { return job.trial_seconds; });
  return text;
}

}  // namespace vmconvert::report
