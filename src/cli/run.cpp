#include "cli/run.hpp"

#include <fmt/format.h>

#include <cstdio>

#include "base/error.hpp"
#include "cli/paths.hpp"
#include "report/json.hpp"

namespace vmconvert::cli {
namespace {

// Ours, and the site's where there is such a folder.
std::vector<std::filesystem::path> fixer_folders(const ProgramPaths& paths) {
  std::vector<std::filesystem::path> folders = {paths.fixers};
  if (std::filesystem::is_directory("/etc/vmconvert/fixers")) {
    folders.emplace_back("/etc/vmconvert/fixers");
  }
  return folders;
}

}  // namespace

void print(ProgressView& view, const std::string& text) {
  view.clear();
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    throw Error(ErrorKind::io, "cannot write to standard output");
  }
}

int with_conversion(const Options& options, ProgressView& view,
                    const std::function<int(job::Conversion&)>& body) {
  const ProgramPaths paths = program_paths();
  RealCommandRunner commands;
  job::Conversion conversion(
      to_request(options),
      job::Tools{commands, [&view](const model::Progress& progress) { view.show(progress); },
                 paths.templates, fixer_folders(paths), paths.nbdkit_plugin,
                 paths.allocation_reader});
  try {
    return body(conversion);
  } catch (const Error& error) {
    model::RunResult& result = conversion.result();
    result.state =
        error.kind() == ErrorKind::refused ? model::RunState::refused : model::RunState::failed;
    result.error = error.message();
    if (options.json) {
      print(view, report::to_json(result) + "\n");
    }
    throw;
  }
}

}  // namespace vmconvert::cli
