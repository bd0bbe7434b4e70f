#include "cli/program.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <optional>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "cli/blueprint_options.hpp"
#include "cli/commands.hpp"
#include "cli/exit_code.hpp"
#include "cli/metrics_file.hpp"
#include "cli/options.hpp"
#include "cli/settings.hpp"

namespace vmconvert::cli {
namespace {

LogSink sink_for(const Options& options, ProgressView& view) {
  return [&options, &view](LogLevel level, std::string_view message) {
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
      case LogLevel::detail:
        if (options.verbose > 0) {
          view.print(printable(message));
        }
        break;
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

int run_command(const CommandEntry& command, CLI::App& parser, Options& options) {
  ProgressView view(progress_mode(options, ::isatty(STDERR_FILENO) == 1), STDERR_FILENO);
  const LogScope log(sink_for(options, view));
  const bool changes_jobs =
      command.run == run_convert || command.run == run_resume || command.run == run_undo;
  try {
    apply_blueprint(*parser.get_subcommand(command.name), options);
    const int code = command.run(options, view);
    if (changes_jobs) {
      write_metrics(options);
    }
    return code;
  } catch (const Error& error) {
    if (changes_jobs) {
      write_metrics(options);
    }
    view.print(fmt::format("vmconvert: {}", printable(to_text(error))));
    return exit_code_for(error.kind());
  } catch (const std::exception& error) {
    view.print(fmt::format("vmconvert: internal error: {}", printable(error.what())));
    return k_exit_failed;
  }
}

}  // namespace

int run_program(int argc, char** argv) {
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
