// vmconvert blueprint new SOURCE, blueprint check FILE...
#include <fmt/format.h>

#include <cstdio>

#include "base/error.hpp"
#include "base/text.hpp"
#include "batch/blueprint.hpp"
#include "batch/blueprint_write.hpp"
#include "cli/commands.hpp"
#include "cli/exit_code.hpp"
#include "cli/run.hpp"

namespace vmconvert::cli {
namespace {

std::vector<std::string> disk_lines(const model::Layout& layout) {
  std::vector<std::string> lines;
  for (const model::TargetDisk& disk : layout.disks) {
    lines.push_back(fmt::format("disk {}: {}{}", disk.name, to_text(disk.size),
                                disk.composed ? ", made from volumes without a table" : ""));
  }
  return lines;
}

int write_new(const Options& options, ProgressView& view) {
  if (options.operands.size() != 2) {
    throw Error(ErrorKind::usage, "blueprint new takes one SOURCE",
                "vmconvert blueprint new /etc/xen/web01.cfg > web01.toml");
  }
  Options one = options;
  one.source = options.operands[1];
  return with_conversion(one, view, [&](job::Conversion& conversion) {
    conversion.read_source();
    const bool is_file = options.connect.empty();
    print(view, batch::new_blueprint(
                    {is_file ? std::filesystem::absolute(one.source).string() : one.source,
                     options.connect, conversion.domain(), disk_lines(conversion.layout()),
                     conversion.result().findings}));
    return k_exit_done;
  });
}

int check_files(const Options& options, ProgressView& view) {
  if (options.operands.size() < 2) {
    throw Error(ErrorKind::usage, "blueprint check takes one FILE or more");
  }
  std::size_t problems = 0;
  for (std::size_t i = 1; i < options.operands.size(); ++i) {
    const batch::BlueprintFile file = batch::read_blueprint(options.operands[i]);
    problems += file.problems.size();
    std::string text;
    for (const batch::Problem& problem : file.problems) {
      text += batch::to_text(problem) + "\n";
    }
    if (file.problems.empty() && !options.quiet) {
      text = fmt::format("{}: no mistakes, {} guest(s)\n", printable(file.path.string()),
                         file.guests.size());
    }
    print(view, text);
  }
  return problems == 0 ? k_exit_done : k_exit_usage;
}

}  // namespace

int run_blueprint(const Options& options, ProgressView& view) {
  const std::string& verb = options.operands.front();
  if (verb == "new") {
    return write_new(options, view);
  }
  if (verb == "check") {
    return check_files(options, view);
  }
  throw Error(ErrorKind::usage, fmt::format("blueprint does not know \"{}\"", printable(verb)),
              "blueprint new SOURCE, or blueprint check FILE");
}

}  // namespace vmconvert::cli
