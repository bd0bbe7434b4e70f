// vmconvert jobs, status, undo, forget, verify: what became of conversions, and what to do about
// it.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/exit_code.hpp"
#include "cli/paths.hpp"
#include "cli/run.hpp"
#include "job/job_control.hpp"

namespace vmconvert::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string time_text(std::int64_t seconds) {
  return seconds == 0 ? "-" : fmt::format("{:%Y-%m-%d %H:%M:%S}", fmt::localtime(seconds));
}

Json to_object(const job::JobView& view) {
  Json json = {{"job", view.record.id},
               {"guest", view.record.guest},
               {"name", view.record.name},
               {"source", view.record.source},
               {"state", view.state_text()},
               {"error", view.record.error.empty() ? Json(nullptr) : Json(view.record.error)},
               {"created", view.record.created},
               {"updated", view.record.updated},
               {"steps", Json::array()}};
  for (const job::StepRecord& step : view.steps) {
    json["steps"].push_back(
        {{"number", step.number},
         {"what", step.what},
         {"state", job::to_string(step.state)},
         {"started", step.started == 0 ? Json(nullptr) : Json(step.started)},
         {"finished", step.finished == 0 ? Json(nullptr) : Json(step.finished)},
         {"made", step.made.empty() ? Json(nullptr) : Json::parse(step.made, nullptr, false)}});
  }
  return json;
}

Json to_object(const job::SourceBefore& before) {
  return {{"connection", before.uri},
          {"name", before.name},
          {"uuid", before.was.uuid},
          {"ran", before.was.active},
          {"autostart", before.was.autostart ? Json(*before.was.autostart) : Json(nullptr)},
          {"stopped_by_hook", before.stopped_by_hook},
          {"autostart_off_by_hook", before.autostart_off_by_hook}};
}

std::string dump(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

job::RestoreSource restore_choice(const Options& options) {
  return options.restore_source == "all"    ? job::RestoreSource::all
         : options.restore_source == "none" ? job::RestoreSource::none
                                            : job::RestoreSource::hooks;
}

std::string steps_done(const job::JobView& view) {
  std::size_t done = 0;
  for (const job::StepRecord& step : view.steps) {
    done += step.state == job::StepState::done ? 1U : 0U;
  }
  return fmt::format("{}/{}", done, view.steps.size());
}

std::string to_table(const std::vector<job::JobView>& jobs) {
  std::string text = fmt::format("{:<21} {:<11} {:<6} {:<20} {}\n", "JOB", "STATE", "STEPS",
                                 "LAST CHANGE", "GUEST");
  for (const job::JobView& view : jobs) {
    text +=
        fmt::format("{:<21} {:<11} {:<6} {:<20} {}\n", view.record.id, view.state_text(),
                    steps_done(view), time_text(view.record.updated), printable(view.record.name));
    if (view.unfinished()) {
      text += fmt::format("  {}\n", view.advice());
    }
  }
  return text;
}

std::string to_details(const job::JobView& view, const std::optional<job::SourceBefore>& before) {
  const job::JobRecord& record = view.record;
  std::string text = fmt::format("Job {}: {} -> {}, {}\n", record.id, printable(record.source),
                                 printable(record.name), view.state_text());
  text += fmt::format("  begun {}, last change {}\n", time_text(record.created),
                      time_text(record.updated));
  if (before) {
    text += fmt::format("  when it began, the source {}\n", job::to_text(*before));
  }
  if (!record.error.empty()) {
    text += fmt::format("  {}\n", printable(record.error));
  }
  if (view.steps.empty()) {
    text += "  Nothing was made: the plan was not ready yet.\n";
  }
  for (const job::StepRecord& step : view.steps) {
    text += fmt::format("  {:>2}. {:<8} {}\n", step.number, job::to_string(step.state),
                        printable(step.what));
  }
  if (!view.advice().empty()) {
    text += fmt::format("What to do: {}\n", view.advice());
  }
  return text;
}

}  // namespace

int run_jobs(const Options& options, ProgressView& view) {
  const auto jobs = job::list_jobs(state_dir_of(options.state_dir));
  if (options.json) {
    Json list = Json::array();
    for (const job::JobView& job : jobs) {
      list.push_back(to_object(job));
    }
    print(view, dump({{"version", 1}, {"jobs", std::move(list)}}));
  } else {
    print(view, jobs.empty() ? "no jobs\n" : to_table(jobs));
  }
  return k_exit_done;
}

int run_status(const Options& options, ProgressView& view) {
  const std::filesystem::path state_dir = state_dir_of(options.state_dir);
  const job::JobView job = job::find_job(state_dir, options.job);
  const auto before = job::source_before(state_dir, job);
  if (options.json) {
    Json json = to_object(job);
    json["source_domain"] = before ? to_object(*before) : Json(nullptr);
    print(view, dump(json));
  } else {
    print(view, to_details(job, before));
  }
  return k_exit_done;
}

int run_undo(const Options& options, ProgressView& view) {
  RealCommandRunner commands;
  const job::JobView job = job::find_job(state_dir_of(options.state_dir), options.job);
  view.announce(job.record.id, job.record.guest);
  const job::SourceReturn source = job::undo_job(state_dir_of(options.state_dir), job.record.id,
                                                 commands, restore_choice(options));
  if (!options.quiet) {
    std::string text = fmt::format("Taken back: {}\n", job.record.id);
    for (const std::string& line : source.restored) {
      text += fmt::format("  {}\n", line);
    }
    print(view, text);
  }
  for (const std::string& line : source.left) {
    log_warning(line);
  }
  return k_exit_done;
}

int run_forget(const Options& options, ProgressView& view) {
  const job::JobView job = job::find_job(state_dir_of(options.state_dir), options.job);
  view.announce(job.record.id, job.record.guest);
  RealCommandRunner commands;
  job::forget_job(state_dir_of(options.state_dir), job.record.id, commands);
  if (!options.quiet) {
    print(view, fmt::format("Forgotten: {}\n", job.record.id));
  }
  return k_exit_done;
}

int run_verify(const Options& options, ProgressView& view) {
  RealCommandRunner commands;
  const job::JobView job = job::find_job(state_dir_of(options.state_dir), options.job);
  view.announce(job.record.id, job.record.guest);
  const auto disks = job::verify_job(
      state_dir_of(options.state_dir), job.record.id, commands,
      [&view](const model::Progress& progress) { view.show(progress); },
      program_paths().allocation_reader);
  if (options.json) {
    Json list = Json::array();
    for (const job::VerifiedDisk& disk : disks) {
      list.push_back({{"target", disk.disk},
                      {"path", disk.path.string()},
                      {"checksum", disk.checksum},
                      {"read_bytes", disk.read.value}});
    }
    print(view, dump({{"version", 1}, {"disks", std::move(list)}}));
  } else {
    for (const job::VerifiedDisk& disk : disks) {
      print(view, fmt::format("{}  equal to what was copied, {} read\n    {}\n", disk.path.string(),
                              to_text(disk.read), disk.checksum));
    }
  }
  return k_exit_done;
}

}  // namespace vmconvert::cli
