// vmconvert bundle missing|verify: what has not arrived; whether all is as it was written.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/text.hpp"
#include "bundle/content.hpp"
#include "cli/commands.hpp"
#include "cli/exit_code.hpp"
#include "cli/run.hpp"

namespace vmconvert::cli {
namespace {

std::string to_json(const bundle::Manifest& manifest, const char* list,
                    const std::vector<bundle::Problem>& problems) {
  nlohmann::json json = {{"version", 1},
                         {"root", "sha256:" + bundle::to_hex(manifest.root)},
                         {"encrypted", manifest.encrypted},
                         {"files", manifest.files.size()},
                         {"stored_bytes", manifest.stored_bytes()},
                         {list, nlohmann::json::array()}};
  for (const bundle::Problem& problem : problems) {
    json[list].push_back({{"file", problem.file}, {"what", problem.what}});
  }
  return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

std::string to_text(const std::vector<bundle::Problem>& problems) {
  std::string text;
  for (const bundle::Problem& problem : problems) {
    text += printable(fmt::format("{}: {}", problem.file, problem.what)) + "\n";
  }
  return text;
}

int list_missing(const Options& options, const bundle::Manifest& manifest, ProgressView& view) {
  const auto missing = bundle::find_missing(options.bundle, manifest);
  print(view, options.json ? to_json(manifest, "missing", missing) : to_text(missing));
  if (!options.json && !options.quiet) {
    print(view, fmt::format("{} of {} files are missing\n", missing.size(), manifest.files.size()));
  }
  return missing.empty() ? k_exit_done : k_exit_failed;
}

int check_all(const Options& options, const bundle::Manifest& manifest, ProgressView& view) {
  const bundle::Verdict verdict = bundle::verify(options.bundle, manifest);
  print(view,
        options.json ? to_json(manifest, "problems", verdict.problems) : to_text(verdict.problems));
  if (!options.json && !options.quiet) {
    for (const std::string& stray : verdict.strays) {
      print(view, printable(fmt::format("{}: not of this bundle, and not used", stray)) + "\n");
    }
    print(view,
          fmt::format("{} of {} files are wrong; {} read, {} chunks unpacked\nroot: sha256:{}\n",
                      verdict.problems.size(), manifest.files.size(),
                      vmconvert::to_text(ByteCount{verdict.bytes}), verdict.chunks,
                      bundle::to_hex(manifest.root)));
  }
  if (!verdict.problems.empty()) {
    throw Error(ErrorKind::mismatch,
                fmt::format("{} is not as it was written: {}", options.bundle,
                            verdict.problems.front().what),
                "copy the files named above again from where the bundle was made");
  }
  return k_exit_done;
}

}  // namespace

int run_bundle(const Options& options, ProgressView& view) {
  const bundle::Manifest manifest = bundle::read_manifest(options.bundle);
  bundle::require_root(manifest, options.expected_root);
  return options.action == "missing" ? list_missing(options, manifest, view)
                                     : check_all(options, manifest, view);
}

}  // namespace vmconvert::cli
