#include "job/hooks.hpp"

#include <fmt/format.h>

#include <chrono>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/text.hpp"

namespace vmconvert::job {
namespace {

constexpr std::size_t k_output_limit = 1U << 20U;
constexpr std::size_t k_kept_lines = 5;

std::string last_lines(const std::string& text) {
  const auto all = lines(text);
  const std::size_t from = all.size() > k_kept_lines ? all.size() - k_kept_lines : 0;
  return join({all.begin() + static_cast<long>(from), all.end()}, "; ");
}

}  // namespace

model::HookOutcome run_hook(const model::Hook& hook, const HookContext& context,
                            CommandRunner& commands) {
  model::HookOutcome outcome;
  outcome.when = model::to_string(hook.when);
  outcome.program = hook.argv.at(0);
  const auto start = std::chrono::steady_clock::now();
  Command command;
  command.argv = hook.argv;
  command.timeout = std::chrono::seconds(hook.limit_seconds);
  command.output_limit = k_output_limit;
  command.environment = {{"VMCONVERT_HOOK", outcome.when},     {"VMCONVERT_JOB", context.job},
                         {"VMCONVERT_GUEST", context.guest},   {"VMCONVERT_NAME", context.name},
                         {"VMCONVERT_SOURCE", context.source}, {"VMCONVERT_ERROR", context.error}};
  try {
    const CommandResult result = commands.run(command);
    outcome.exit_code = result.exit_code;
    outcome.said = last_lines(result.out + result.err);
    if (result.timed_out) {
      outcome.said = fmt::format("did not end within {} s", hook.limit_seconds);
    } else if (result.said_too_much) {
      outcome.said = fmt::format("wrote more than {} bytes", k_output_limit);
    }
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::not_found) {
      throw;
    }
    outcome.exit_code = 127;
    outcome.said = error.message();
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  outcome.seconds = took.count();
  log_step(fmt::format("hook {} {}: exit code {}{}", outcome.when, outcome.program,
                       outcome.exit_code,
                       outcome.said.empty() ? "" : ": " + printable(outcome.said)));
  return outcome;
}

void judge(const model::Hook& hook, const model::HookOutcome& outcome) {
  if (outcome.exit_code == 0) {
    return;
  }
  const std::string message =
      fmt::format("the hook {} at \"{}\" ended with exit code {}{}", outcome.program, outcome.when,
                  outcome.exit_code, outcome.said.empty() ? "" : ": " + printable(outcome.said));
  if (hook.on_failure == model::HookFailure::go_on) {
    log_warning(message);
    return;
  }
  throw Error(
      ErrorKind::tool_failed, message,
      "run the program by hand; on_failure = \"go-on\" in the blueprint makes it a warning");
}

}  // namespace vmconvert::job
