// vmconvert export: a guest into a bundle. Nothing of the source is patched, and no appliance runs.
#include <fmt/format.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "cli/commands.hpp"
#include "cli/exit_code.hpp"
#include "cli/run.hpp"
#include "job/export.hpp"

namespace vmconvert::cli {
namespace {

std::string to_json(const job::ExportOutcome& outcome, const std::string& guest) {
  nlohmann::json json = {{"version", 1},
                         {"guest", guest},
                         {"root", outcome.root},
                         {"files", outcome.files},
                         {"stored_bytes", outcome.stored.value},
                         {"added_bytes", outcome.added.value},
                         {"disks", nlohmann::json::array()}};
  for (const job::ExportOutcome::Disk& disk : outcome.disks) {
    json["disks"].push_back({{"target", disk.target},
                             {"size_bytes", disk.size.value},
                             {"read_bytes", disk.read.value},
                             {"data_bytes", disk.data.value}});
  }
  return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

std::string to_text(const job::ExportOutcome& outcome, const std::string& guest) {
  std::string text = fmt::format("Exported {}:\n", guest);
  for (const job::ExportOutcome::Disk& disk : outcome.disks) {
    text += fmt::format("  {}: {}, of which {} were read and {} are not zeros\n", disk.target,
                        vmconvert::to_text(disk.size), vmconvert::to_text(disk.read),
                        vmconvert::to_text(disk.data));
  }
  text +=
      fmt::format("  bundle: {} in {} files, {} of them new\n", vmconvert::to_text(outcome.stored),
                  outcome.files, vmconvert::to_text(outcome.added));
  return text + fmt::format("  root: {}\n", outcome.root);
}

}  // namespace

int run_export(const Options& options, ProgressView& view) {
  const bool stream = options.bundle == "-";
  if (stream && ::isatty(STDOUT_FILENO) == 1) {
    throw Error(ErrorKind::usage, "a bundle is not for a terminal",
                "send it on: vmconvert export SOURCE - | ssh HOST vmconvert import - --dir DIR");
  }
  job::ExportTarget target;
  target.folder = stream ? std::filesystem::path() : std::filesystem::absolute(options.bundle);
  target.level = options.level;
  target.blueprint = options.blueprint;
  target.recipients = options.recipients;
  target.identity = options.key;
  Options text_errors = options;  // the object that export prints says what was exported
  text_errors.json = false;
  return with_conversion(text_errors, view, [&](job::Conversion& conversion) {
    conversion.read_source();
    conversion.refuse_if_blocked();
    const job::ExportOutcome outcome = conversion.export_bundle(target);
    const std::string& guest = conversion.domain().name;
    const std::string text = options.json ? to_json(outcome, guest) : to_text(outcome, guest);
    if (stream) {
      view.print(text.substr(0, text.size() - 1));  // standard output is the bundle's
    } else if (options.json || !options.quiet) {
      print(view, text);
    }
    return k_exit_done;
  });
}

}  // namespace vmconvert::cli
