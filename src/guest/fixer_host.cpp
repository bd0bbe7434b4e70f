#include "guest/fixer_host.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "guest/fixer_session.hpp"

namespace vmconvert::guest {
namespace {

constexpr std::size_t k_shown_lines = 10;

std::string last_lines(const std::string& output) {
  std::vector<std::string> all = lines(printable(output));
  if (all.size() > k_shown_lines) {
    all.erase(all.begin(), all.end() - k_shown_lines);
  }
  return join(all, "\n");
}

void run_one(FixerSession& session, const LoadedFixer& fixer) {
  session.fixer = fixer.name;
  session.last_error.clear();
  session.last_words.clear();
  session.remedy.clear();
  session.root.set_author(fixer.name);
  const vmconvert_host host = make_c_host(session);
  const int result = fixer.entry->fix(&host);
  if (session.interrupted) {
    throw Error(ErrorKind::interrupted, fmt::format("interrupted in the fixer {}", fixer.name));
  }
  if (result != 0) {
    throw Error(
        ErrorKind::bad_input,
        fmt::format("the fixer {} failed: {}", fixer.name,
                    session.last_words.empty() ? "it does not say why" : session.last_words),
        session.remedy);
  }
}

}  // namespace

FixerRun run_fixers(const std::vector<LoadedFixer>& fixers, StagedRoot& root,
                    const std::string& facts_json, CommandRunner& host_commands,
                    const FixerOptions& options) {
  FixerRun run;
  FixerSession session{root, facts_json, host_commands, options, run, {}, {}, {}, {}, false};
  for (const LoadedFixer& fixer : fixers) {
    throw_if_interrupted();
    log_detail(fmt::format("fixer {}: {}", fixer.name, fixer.summary));
    run_one(session, fixer);
  }
  run.edits = root.edits();
  for (const DeferredRun& later : run.runs) {
    run.edits.push_back({later.fixer, printable(join(later.argv, " ")), "run: " + later.why});
  }
  return run;
}

model::Findings run_deferred(const std::vector<DeferredRun>& runs, GuestRoot& root,
                             const model::ProgressSink& progress) {
  model::Findings findings;
  for (const DeferredRun& run : runs) {
    throw_if_interrupted();
    const std::string words = printable(join(run.argv, " "));
    if (progress) {
      progress({"appliance", "running " + words, {}, {}});
    }
    const ProgramResult result =
        while_doing(fmt::format("running {} in the guest: {}", words, run.why),
                    [&] { return root.run(run.argv); });
    log_detail(fmt::format("{} in the guest: exit code {}\n{}", words, result.exit_code,
                           printable(result.output)));
    if (result.exit_code == 0) {
      continue;
    }
    const std::string message =
        fmt::format("{} failed in the guest with exit code {} ({}); its last lines:\n{}", words,
                    result.exit_code, run.why, last_lines(result.output));
    if (run.must_succeed) {
      throw Error(ErrorKind::tool_failed, message,
                  "start the guest on its old host, run this command there, mend what it says");
    }
    findings.push_back({"guest-program-failed", model::Severity::warns, message,
                        "run it again in the new guest once it is up"});
  }
  return findings;
}

}  // namespace vmconvert::guest
