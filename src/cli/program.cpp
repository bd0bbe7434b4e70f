#include "cli/program.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <optional>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "cli/blueprint_options.hpp"
#include "cli/commands.hpp"
#include "cli/exit_code.hpp"
#include "cli/journald.hpp"
#include "cli/metrics_file.hpp"
#include "cli/options.hpp"
#include "cli/settings.hpp"

namespace vmconvert::cli {
namespace {

// What a command that works on jobs tells the system's journal, beside the terminal.
class SystemLog {
 public:
  SystemLog(const CommandEntry& command, const Options& options, ProgressView& view)
      : m_command(command), m_view(view), m_speaks(works_on_jobs(command, options)) {}

  // Whether the line is in the journal now, and standard error would only bring it there again.
  bool tell(LogLevel level, std::string_view message, const std::string& exit_status = {}) {
    if (!m_speaks) {
      return false;
    }
    const ProgressView::Subject subject = m_view.subject();
    const int priority = level == LogLevel::error     ? LOG_ERR
                         : level == LogLevel::warning ? LOG_WARNING
                         : level == LogLevel::step    ? LOG_INFO
                                                      : LOG_DEBUG;
    return m_journal.send({priority, std::string(message), m_command.name, subject.job,
                           subject.guest, exit_status}) &&
           m_is_stderr;
  }

  static bool works_on_jobs(const CommandEntry& command, const Options& options) {
    auto* const run = command.run;
    return run == run_convert || run == run_resume || run == run_undo || run == run_trial ||
           run == run_verify || run == run_forget ||
           (run == run_batch && options.operands.front() != "status");
  }

 private:
  const CommandEntry& m_command;
  ProgressView& m_view;
  bool m_speaks;
  Journald m_journal;
  bool m_is_stderr = is_journal_stream(STDERR_FILENO, std::getenv("JOURNAL_STREAM"));
};

LogSink sink_for(const Options& options, ProgressView& view, SystemLog& system) {
  return [&options, &view, &system](LogLevel level, std::string_view message) {
    if (level == LogLevel::detail && options.verbose == 0) {
      return;
    }
    if (system.tell(level, message)) {
      return;
    }
    switch (level) {
      case LogLevel::error: view.print(fmt::format("vmconvert: {}", printable(message))); break;
      case LogLevel::warning:
        view.print(fmt::format("vmconvert: warning: {}", printable(message)));
        break;
      case LogLevel::step:
        if (!options.quiet) {
          view.print(printable(message));
        }
        break;
      case LogLevel::detail: view.print(printable(message)); break;
    }
  };
}

// The sink refers to the view: it must not outlive it.
class LogScope {
 public:
  explicit LogScope(LogSink sink) : m_before(set_log_sink(std::move(sink))) {}
  LogScope(const LogScope&) = delete;
  LogScope& operator=(const LogScope&) = delete;
  ~LogScope() { set_log_sink(std::move(m_before)); }

 private:
  LogSink m_before;
};

std::string begin_text(const CommandEntry& command, const Options& options) {
  const std::string about = !options.source.empty() ? options.source
                            : !options.job.empty()  ? options.job
                                                    : join(options.operands, " ");
  return fmt::format("{} {} begins", command.name, about);
}

int run_command(const CommandEntry& command, CLI::App& parser, Options& options) {
  ProgressView view(progress_mode(options, ::isatty(STDERR_FILENO) == 1), STDERR_FILENO);
  SystemLog system(command, options, view);
  const LogScope log(sink_for(options, view, system));
  const auto failed = [&](const std::string& text, int code) {
    if (!system.tell(LogLevel::error, text, std::to_string(code))) {
      view.print(fmt::format("vmconvert: {}", printable(text)));
    }
    return code;
  };
  const bool changes_jobs =
      command.run == run_convert || command.run == run_resume || command.run == run_undo;
  try {
    apply_blueprint(*parser.get_subcommand(command.name), options);
    system.tell(LogLevel::step, begin_text(command, options));
    const int code = command.run(options, view);
    if (changes_jobs) {
      write_metrics(options);
    }
    system.tell(LogLevel::step, fmt::format("{} ended with exit status {}", command.name, code),
                std::to_string(code));
    return code;
  } catch (const Error& error) {
    if (changes_jobs) {
      write_metrics(options);
    }
    return failed(to_text(error), exit_code_for(error.kind()));
  } catch (const std::exception& error) {
    return failed(fmt::format("internal error: {}", error.what()), k_exit_failed);
  }
}

}  // namespace

int run_program(int argc, char** argv) {
  ::umask(::umask(0) | (S_IWGRP | S_IWOTH));  // nobody else writes to what we make
  Options options;
  std::optional<Error> bad_settings;  // told once it is known that somebody needs them
  try {
    apply_settings(options);
  } catch (const Error& error) {
    bad_settings = error;
  }
  const CommandEntry* chosen = nullptr;
  const auto parser = make_parser(options, chosen);
  try {
    parser->parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return parser->exit(error) == 0 ? k_exit_done : k_exit_usage;
  }
  if (bad_settings && chosen->run != run_completion && !options.example) {
    ProgressView view(ProgressMode::none, STDERR_FILENO);
    view.print(fmt::format("vmconvert: {}", printable(to_text(*bad_settings))));
    return exit_code_for(bad_settings->kind());
  }
  install_interrupt_handlers();
  return run_command(*chosen, *parser, options);
}

}  // namespace vmconvert::cli
