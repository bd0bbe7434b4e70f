#include "cli/run.hpp"

#include <fmt/format.h>

#include <cstdio>

#include "base/error.hpp"
#include "cli/paths.hpp"
#include "report/json.hpp"

namespace vmconvert::cli {
namespace {

// Ours, and the site's where there are such folders.
std::vector<std::filesystem::path> fixer_folders(const ProgramPaths& paths,
                                                 const Options& options) {
  std::vector<std::filesystem::path> folders = {paths.fixers};
  for (const std::string& folder : options.fixers) {
    if (std::filesystem::is_directory(folder)) {
      folders.emplace_back(folder);
    }
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

job::Tools make_tools(CommandRunner& commands, const Options& options, ProgressView& view) {
  const ProgramPaths paths = program_paths();
  return {commands,
          [&view](const model::Progress& progress) { view.show(progress); },
          paths.templates,
          fixer_folders(paths, options),
          paths.nbdkit_plugin,
          VMCONVERT_VERSION,
          paths.allocation_reader};
}

int watch_conversion(job::Conversion& conversion, const Options& options, ProgressView& view,
                     const std::function<int()>& body) {
  try {
    return body();
  } catch (const Error& error) {
    model::RunResult& result = conversion.result();
    result.state = error.kind() == ErrorKind::refused       ? model::RunState::refused
                   : error.kind() == ErrorKind::interrupted ? model::RunState::interrupted
                                                            : model::RunState::failed;
    result.error = error.message();
    const std::string next = conversion.ended_by(error);
    if (options.json) {
      print(view, report::to_json(result) + "\n");
    }
    if (!next.empty()) {
      throw Error(error.kind(), error.message(), next);
    }
    throw;
  }
}

int with_conversion(const Options& options, ProgressView& view,
                    const std::function<int(job::Conversion&)>& body) {
  RealCommandRunner commands;
  job::Conversion conversion(to_request(options), make_tools(commands, options, view));
  return watch_conversion(conversion, options, view, [&] { return body(conversion); });
}

}  // namespace vmconvert::cli
