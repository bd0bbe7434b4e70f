// fault-driver prepare STATE SOURCE.xml --dir DIR ...: a job as it stands when the appliance has
// ended: overlays and plan are there, no step is begun. `vmconvert resume` goes on with it, so that
// all that follows is the program's own, in a second and without an appliance.
// fault-driver carry STATE JOB --die POINT | --die-at-bytes N: the same as resume in a process that
// dies by SIGKILL at that moment. The program itself has no such ways: what listens is set here.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/interrupt.hpp"
#include "disk/overlay.hpp"
#include "disk/probe.hpp"
#include "disk/source.hpp"
#include "disk/source_mark.hpp"
#include "domain/read.hpp"
#include "domain/rewrite.hpp"
#include "job/conversion.hpp"
#include "job/place.hpp"
#include "job/saved_job.hpp"
#include "job/workspace.hpp"
#include "plan/layout.hpp"
#include "test_paths.hpp"

namespace vmconvert::job {
namespace {

namespace fs = std::filesystem;

struct Options {
  fs::path state;
  fs::path source;
  fs::path dir;
  std::string format = "raw";
  std::string define;  // libvirt URI; empty: not defined
  std::uint64_t rate = 0;
  bool map_bad_sectors = false;
  std::string job;
  std::string die;
  std::uint64_t die_at = 0;
};

Tools tools(CommandRunner& runner) {
  const fs::path build = test::build_dir();
  Tools tools{runner,           {},  test::source_dir() / "templates", {build / "fixers"},
              build / "nbdkit", "0", build / "vmconvert-allocation"};
  return tools;
}

std::string new_description(const model::Domain& domain, const model::Layout& layout,
                            const Place& place) {
  domain::RewriteRequest rewrite;
  rewrite.source_xml = domain.xml;
  rewrite.stylesheet = test::source_dir() / "templates" / "domain" / "xen-to-kvm.xsl";
  rewrite.name = domain.name;
  rewrite.virt_type = "qemu";
  for (const model::TargetDisk& disk : layout.disks) {
    rewrite.disks.push_back(
        {disk.name, place.disk_path(domain.name, disk.name), place.format(), false, false});
  }
  return domain::rewrite_domain(rewrite);
}

void prepare(const Options& options) {
  RealCommandRunner commands;
  Request request;
  request.source = {options.source.string(), ""};
  request.storage = model::DirectoryTarget{
      options.dir, options.format == "qcow2" ? model::DiskFormat::qcow2 : model::DiskFormat::raw};
  request.define = !options.define.empty();
  request.target_uri = options.define;
  request.rate_limit = options.rate;
  request.record = true;
  request.on_bad_sector =
      options.map_bad_sectors ? disk::OnBadSector::map : disk::OnBadSector::stop;
  request.state_dir = options.state;
  const model::Domain domain =
      domain::read_domain_xml(read_text_file(options.source), options.source.string());
  SavedPlan plan;
  std::vector<model::DiskFacts> facts;
  for (const model::DomainDisk& disk : domain.disks) {
    plan.marks.push_back(disk::mark_source(fs::absolute(disk.source)));
    facts.push_back(disk::probe(disk, commands, request.on_bad_sector));
  }
  const model::Layout layout = plan::make_layout(domain, facts);
  Workspace workspace(options.state);
  workspace.keep_scratch();
  for (const model::TargetDisk& disk : layout.disks) {
    const fs::path overlay = workspace.scratch() / (disk.name + ".overlay.qcow2");
    disk::DiskSource opened(
        disk, domain, {workspace.scratch(), tools(commands).nbdkit_plugin, request.on_bad_sector});
    disk::create_overlay(overlay, opened.backing(), disk.size, commands);
    plan.extents.push_back(disk::map_overlay(overlay, disk.size, commands));
  }
  plan.source_xml = domain.xml;
  plan.target_uri = options.define;
  plan.domain_xml = new_description(domain, layout, Place(*request.storage, "", commands));
  save_job(workspace.folder(), {request, plan});
  Journal(options.state)
      .add({workspace.job_id(), domain.name, domain.name, options.source.string(),
            JobState::interrupted, "", 0, 0, "0"});
  fmt::print("{}\n", workspace.job_id());
}

void die() {
  ::kill(::getpid(), SIGKILL);
}

void carry(const Options& options) {
  RealCommandRunner commands;
  Tools dying = tools(commands);
  dying.at_point = [&](const std::string& point) {
    if (point == options.die) {
      die();
    }
  };
  dying.progress = [&](const model::Progress& progress) {
    if (options.die_at > 0 && progress.stage == "copy" && progress.done.value >= options.die_at) {
      die();
    }
  };
  std::optional<model::Plan> plan;
  const auto conversion = Conversion::reopen(options.state, options.job, dying, plan);
  conversion->carry_out(plan.value());
}

}  // namespace
}  // namespace vmconvert::job

int main(int argc, char** argv) {
  using namespace vmconvert;
  job::Options options;
  CLI::App app("Prepares jobs, and dies in the middle of them.");
  app.require_subcommand(1);
  auto* prepare = app.add_subcommand("prepare");
  prepare->add_option("STATE", options.state)->required();
  prepare->add_option("SOURCE", options.source)->required();
  prepare->add_option("--dir", options.dir)->required();
  prepare->add_option("--format", options.format);
  prepare->add_option("--define", options.define);
  prepare->add_option("--rate", options.rate);
  prepare->add_flag("--map-bad-sectors", options.map_bad_sectors);
  auto* carry = app.add_subcommand("carry");
  carry->add_option("STATE", options.state)->required();
  carry->add_option("JOB", options.job)->required();
  carry->add_option("--die", options.die, "before|begun|noted|made|after STEP");
  carry->add_option("--die-at-bytes", options.die_at);
  CLI11_PARSE(app, argc, argv);
  try {
    install_interrupt_handlers();
    *prepare ? job::prepare(options) : job::carry(options);
    return 0;
  } catch (const Error& error) {
    fmt::print(stderr, "error: {}\n", to_text(error));
    return 1;
  }
}
