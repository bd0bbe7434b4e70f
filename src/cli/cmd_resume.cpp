// vmconvert resume: an interrupted or killed conversion goes on where it was; or the definition of
// a finished one is made anew.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/exit_code.hpp"
#include "cli/paths.hpp"
#include "cli/run.hpp"
#include "cli/settings.hpp"
#include "disk/redo_log.hpp"
#include "job/job_control.hpp"
#include "job/redo.hpp"
#include "job/redo_patch.hpp"

namespace vmconvert::cli {
namespace {

// What the configuration says of every conversion is not a wish to change this one.
std::string given(const Options& options, const char* setting, const std::string& value) {
  return from_settings(options, setting) ? "" : value;
}

job::RedoWishes wishes_of_redo(const Options& options) {
  job::RedoWishes wishes;
  wishes.name = options.name;
  wishes.target_uri = given(options, "target", options.target);
  wishes.stylesheet = given(options, "template", options.stylesheet);
  wishes.start = options.start;
  if (options.memory != 0) {
    wishes.adjustments.memory = ByteCount{options.memory};
  }
  if (options.vcpus != 0) {
    wishes.adjustments.vcpus = options.vcpus;
  }
  for (const std::string& pair : options.bridge) {
    const std::size_t equals = pair.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == pair.size()) {
      throw Error(ErrorKind::usage, fmt::format("--bridge {} is not OLD=NEW", pair),
                  "name the old host's bridge and the new one's: --bridge xenbr0=br0");
    }
    wishes.adjustments.bridges[pair.substr(0, equals)] = pair.substr(equals + 1);
  }
  return wishes;
}

int redo(const Options& options, const job::RedoWishes& wishes, ProgressView& view) {
  RealCommandRunner commands;
  const job::Redone done = job::redo_definition(state_dir_of(options.state_dir), options.job,
                                                wishes, make_tools(commands, options, view));
  view.announce(done.job, done.name);
  if (options.json) {
    using Json = nlohmann::ordered_json;
    const auto or_null = [](const std::string& text) {
      return text.empty() ? Json(nullptr) : Json(text);
    };
    const Json json = {{"version", 1},
                       {"job", done.job},
                       {"name", done.name},
                       {"domain_xml", done.description.string()},
                       {"defined_on", or_null(done.defined_on)},
                       {"started", done.started},
                       {"diff", done.diff}};
    print(view, json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  } else if (!options.quiet) {
    print(view, fmt::format(
                    "{}{}: {}{}{}\n", done.diff, done.name, done.description.string(),
                    done.defined_on.empty() ? "" : fmt::format(", defined on {}", done.defined_on),
                    done.started ? ", started" : ""));
  }
  return k_exit_done;
}

bool has_inner_wishes(const Options& options) {
  return options.identity != "move" || !options.identity_keep.empty() ||
         !options.identity_reset.empty() || options.new_uuids || options.scrub ||
         !options.address.empty() || !options.gateway.empty() || !options.dns.empty() ||
         !options.hostname.empty();
}

// What went before the writing; of a job that goes on, nobody knows it any more.
struct Patched {
  model::Edits edits = {};
  std::optional<model::TrialOutcome> trial = {};
};

int write_patch(const Options& options, const std::filesystem::path& state_dir,
                const std::string& id, const Patched& patched, const job::Tools& tools,
                ProgressView& view) {
  using Json = nlohmann::ordered_json;
  const auto disks = job::write_pending_patch(state_dir, id, tools);
  Json list = Json::array();
  std::string text;
  if (patched.trial) {
    text += fmt::format("trial: booted in {:.0f} s: {}\n", patched.trial->seconds,
                        printable(patched.trial->evidence));
  }
  for (const job::PatchedDisk& disk : disks) {
    list.push_back({{"target", disk.disk},
                    {"path", disk.path.string()},
                    {"written_bytes", disk.written.value},
                    {"checksum", disk.checksum}});
    text += fmt::format("{}  {} written anew, and read back\n    {}\n", disk.path.string(),
                        to_text(disk.written), disk.checksum);
  }
  if (options.json) {
    Json json = {{"version", 1},
                 {"job", id},
                 {"trial", nullptr},
                 {"edits", Json::array()},
                 {"disks", std::move(list)}};
    if (patched.trial) {
      json["trial"] = {{"booted", patched.trial->booted},
                       {"seconds", patched.trial->seconds},
                       {"evidence", patched.trial->evidence}};
    }
    for (const model::Edit& edit : patched.edits) {
      json["edits"].push_back({{"fixer", edit.fixer}, {"path", edit.path}, {"diff", edit.diff}});
    }
    print(view, json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  } else if (!options.quiet) {
    print(view, text);
  }
  return k_exit_done;
}

// The source is patched on a new overlay; the disks get what differs.
int redo_patch(const Options& options, ProgressView& view) {
  RealCommandRunner commands;
  const std::filesystem::path state_dir = state_dir_of(options.state_dir);
  const job::Tools tools = make_tools(commands, options, view);
  job::PatchWishes wishes{{}, options.accept, options.trial, options.trial_limit};
  if (has_inner_wishes(options)) {
    wishes.inside = to_request(options).wishes;
  }
  Patched patched;
  std::string id;
  {
    const auto conversion = job::Conversion::reopen_done(state_dir, options.job, wishes, tools);
    id = conversion->result().job;
    view.announce(id, conversion->result().guest);
    conversion->patch();
    conversion->refuse_if_blocked();
    if (options.trial) {
      conversion->boot_trial(conversion->trial_step(), "redo-console.log");
    }
    static_cast<void>(conversion->prepare_patch());
    patched = {conversion->result().edits, conversion->result().trial};
  }
  return write_patch(options, state_dir, id, patched, tools, view);
}

}  // namespace

int run_resume(const Options& options, ProgressView& view) {
  const job::RedoWishes wishes = wishes_of_redo(options);
  if (options.redo == "define" && !has_inner_wishes(options) && options.accept.empty() &&
      !options.trial) {
    return redo(options, wishes, view);
  }
  if (options.redo == "patch" && wishes.empty()) {
    return redo_patch(options, view);
  }
  if (!options.redo.empty()) {
    throw Error(ErrorKind::usage,
                "the definition and the inside of the guest are made anew one after the other",
                "give the options of each with its own --redo define or --redo patch");
  }
  if (!wishes.empty() || has_inner_wishes(options) || !options.accept.empty() || options.trial) {
    throw Error(ErrorKind::usage, "a job goes on with the options that it began with",
                "to change a finished one: --redo define, or --redo patch");
  }
  RealCommandRunner commands;
  const std::filesystem::path state_dir = state_dir_of(options.state_dir);
  if (job::has_pending_patch(state_dir, options.job)) {
    const job::JobView job = job::find_job(state_dir, options.job);
    view.announce(job.record.id, job.record.guest);
    return write_patch(options, state_dir, job.record.id, {}, make_tools(commands, options, view),
                       view);
  }
  std::optional<model::Plan> plan;
  const auto conversion =
      job::Conversion::reopen(state_dir, options.job, make_tools(commands, options, view), plan);
  return watch_conversion(*conversion, options, view, [&] {
    if (!plan) {
      return convert_from_the_start(*conversion, options, view);
    }
    view.announce(conversion->result().job, conversion->result().guest);
    return finish_conversion(*conversion, *plan, options, view);
  });
}

}  // namespace vmconvert::cli
