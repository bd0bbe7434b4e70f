// copy-disk [OPTION...] SOURCE TARGET: the copy engine by itself, for benchmarks and for tests that
// kill it. Prints one line of JSON: what was moved, the root, and what it cost.
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/temp_dir.hpp"
#include "disk/allocation_map.hpp"
#include "disk/copy.hpp"
#include "disk/device_writer.hpp"
#include "disk/extent_map.hpp"
#include "disk/file_reader.hpp"
#include "disk/probe.hpp"
#include "disk/resume.hpp"
#include "disk/target.hpp"
#include "disk/verify.hpp"
#include "test_paths.hpp"

namespace vmconvert::disk {
namespace {

using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;
using model::ByteRange;
using model::DiskFormat;
using model::Extent;
using model::ExtentKind;

struct Options {
  std::filesystem::path source;
  std::filesystem::path target;
  std::filesystem::path manifest;
  std::filesystem::path extents;
  bool map = false;
  bool plan_only = false;
  bool verify = false;
  bool resume = false;
  DiskFormat format = DiskFormat::raw;
  std::uint64_t rate = 0;
  std::optional<std::uint64_t> kill_after;
  CheckpointPolicy checkpoints;
};

Options parse(int argc, char** argv) {
  Options options;
  std::string format = "raw";
  std::uint64_t kill_after = 0;
  std::uint64_t interval = options.checkpoints.bytes.value;
  CLI::App app("Copies a disk with the copy engine of vmconvert.");
  app.add_option("SOURCE", options.source, "a raw file or a block device")->required();
  app.add_option("TARGET", options.target, "a new file, or an existing block device");
  app.add_flag("--map", options.map, "leave out what filesystems call free");
  app.add_flag("--plan-only", options.plan_only, "stop before the copy; TARGET is not needed");
  app.add_flag("--verify", options.verify, "read the target back");
  app.add_flag("--resume", options.resume, "go on with TARGET and its --manifest");
  app.add_option("--format", format, "of a new file")->check(CLI::IsMember({"raw", "qcow2"}));
  app.add_option("--manifest", options.manifest, "keep it here, for --resume");
  app.add_option("--extents", options.extents, "write what is read here: OFFSET LENGTH a line");
  app.add_option("--rate", options.rate, "bytes a second");
  auto* kill = app.add_option("--kill-after-bytes", kill_after, "SIGKILL to itself");
  auto* exact = app.add_option("--checkpoint-bytes", interval, "the checkpoints' interval");
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    std::exit(app.exit(help));
  } catch (const CLI::ParseError& error) {
    app.exit(error);
    std::exit(2);
  }
  if ((options.target.empty() && !options.plan_only) ||
      (options.resume && options.manifest.empty())) {
    throw Error(ErrorKind::usage, "TARGET is missing, or --manifest of what is to go on");
  }
  options.format = format == "qcow2" ? DiskFormat::qcow2 : DiskFormat::raw;
  options.checkpoints.bytes = ByteCount{interval};
  if (exact->count() > 0) {
    options.checkpoints.rest = 0;
  }
  if (kill->count() > 0) {
    options.kill_after = kill_after;
  }
  return options;
}

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::vector<ByteRange> regions_of(BlockReader& source) {
  const model::DiskFacts facts = probe_content(source);
  if (facts.table == model::TableKind::none) {
    return {{{}, source.size()}};
  }
  std::vector<ByteRange> regions;
  for (const model::Partition& partition : facts.partitions) {
    const auto type = partition.mbr_type;
    const bool extended = type == 0x05 || type == 0x0f || type == 0x85;
    if (!extended && facts.table_problem.empty()) {
      regions.push_back({partition.start, partition.length});
    }
  }
  return regions;
}

// Everything but holes; with --map, less what is free.
std::vector<Extent> plan(const Options& options, FileReader& source, Json& report) {
  std::vector<Extent> extents;
  for (ByteCount at; at < source.size();) {
    const Run run = source.run_at(at);
    extents.push_back({at, run.end - at, run.zero ? ExtentKind::skipped : ExtentKind::needed});
    at = run.end;
  }
  if (options.map) {
    RealCommandRunner commands;
    const std::filesystem::path reader = vmconvert::test::build_dir() / "vmconvert-allocation";
    const AllocationMap map = read_allocation(options.source, options.source.string(),
                                              regions_of(source), reader, commands);
    for (const model::AllocationNote& note : map.notes) {
      report["map"].push_back({{"offset", note.offset.value},
                               {"length", note.length.value},
                               {"content", note.content},
                               {"by_map", note.by_map},
                               {"why", note.why},
                               {"free", note.free.value}});
    }
    extents = without_free(extents, map.free);
  }
  report["extents"] = extents.size();
  return extents;
}

void write_extents(const std::filesystem::path& path, const std::vector<Extent>& extents) {
  std::ofstream file(path);
  for (const Extent& extent : extents) {
    if (extent.kind != ExtentKind::skipped) {
      file << extent.offset.value << ' ' << extent.length.value << '\n';
    }
  }
  if (!file.flush()) {
    throw Error(ErrorKind::io, fmt::format("writing {}", path.string()));
  }
}

bool is_block_device(const std::filesystem::path& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISBLK(status.st_mode);
}

std::filesystem::path state_file(const std::filesystem::path& manifest) {
  return manifest.string() + ".runs";  // a qcow2 writer's memory
}

std::vector<ByteCount> starts_of(const std::vector<ByteRange>& regions) {
  std::vector<ByteCount> starts;
  for (const ByteRange& region : regions) {
    starts.push_back(region.offset);
  }
  return starts;
}

// What an earlier process left, looked at as a resumed job does.
Manifest reopen(const Options& options, FileReader& source, const std::vector<Extent>& extents) {
  Manifest manifest = Manifest::open(options.manifest);
  if (manifest.head().size != source.size() ||
      manifest.head().plan != fingerprint(source.size(), extents)) {
    throw Error(ErrorKind::refused, "the source is not the one that the copy began with");
  }
  if (!manifest.head().complete) {
    recheck_source(manifest, "vda", extents, source, nullptr, starts_of(regions_of(source)));
    recheck_target(manifest, options.target, options.format, options.checkpoints);
  }
  return manifest;
}

// Where the progress is said at which a test has it die.
model::ProgressSink killing_sink(const Options& options) {
  if (!options.kill_after) {
    return {};
  }
  return [limit = *options.kill_after](const model::Progress& progress) {
    if (progress.stage == "copy" && progress.done.value >= limit) {
      std::fprintf(stderr, "killed at %llu\n",
                   static_cast<unsigned long long>(progress.done.value));
      std::fflush(stderr);
      ::kill(::getpid(), SIGKILL);
    }
  };
}

// A file that copy-disk made and that is not whole is removed; so is its manifest.
class Made {
 public:
  explicit Made(std::filesystem::path path) : m_path(std::move(path)) {}
  Made(const Made&) = delete;
  Made& operator=(const Made&) = delete;
  ~Made() {
    if (!m_keep) {
      ::unlink(m_path.c_str());
    }
  }
  void keep() { m_keep = true; }

 private:
  std::filesystem::path m_path;
  bool m_keep = false;
};

void copy_onto(const Options& options, FileReader& source, const std::vector<Extent>& extents,
               const std::filesystem::path& state, Manifest& manifest, Json& report) {
  const ByteCount size = source.size();
  const std::unique_ptr<TargetWriter> writer =
      is_block_device(options.target)
          ? std::make_unique<DeviceWriter>(options.target, size, OldContent::rubbish)
          : open_image_writer(options.target, options.format, size, state);
  Throttle throttle(options.rate);
  CopyRequest request{"vda", size, extents, source, nullptr, *writer, manifest, &throttle};
  request.checkpoints = options.checkpoints;
  const auto start = Clock::now();
  const CopyResult result = copy_disk(request, killing_sink(options));
  report["copy_seconds"] = seconds_since(start);
  report["read"] = result.read.value;
  report["written"] = result.written.value;
  report["skipped"] = result.skipped.value;
  report["resumed"] = result.resumed.value;
}

void copy(const Options& options, FileReader& source, const std::vector<Extent>& extents,
          Json& report) {
  const TempDir folder(std::filesystem::temp_directory_path(), "copy-disk");
  const auto path = options.manifest.empty() ? folder.path() / "manifest" : options.manifest;
  const ByteCount size = source.size();
  std::optional<TargetImage> image;
  std::optional<Made> made_manifest;
  std::optional<Made> made_state;
  if (!is_block_device(options.target) && !options.resume) {
    image.emplace(options.target, options.format, size);
  }
  Manifest manifest =
      options.resume
          ? reopen(options, source, extents)
          : Manifest::create(path, {model::HashKind::xxh3_128, size, fingerprint(size, extents)});
  if (!options.resume) {
    made_manifest.emplace(path);
    made_state.emplace(state_file(path));
  }
  if (!manifest.head().complete) {  // or a process before us did it all
    copy_onto(options, source, extents, state_file(path), manifest, report);
  }
  if (options.verify) {
    const auto verify_start = Clock::now();
    const VerifyResult verified =
        verify_disk({"vda", options.target, options.format, manifest, folder.path()}, {});
    report["verify_seconds"] = seconds_since(verify_start);
    report["verified"] = verified.read.value;
  }
  report["root"] = manifest.root();
  if (image) {
    image->keep();
  }
  if (made_manifest && !options.manifest.empty()) {
    made_manifest->keep();
    made_state->keep();
  }
}

double cpu_seconds(const rusage& usage) {
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

void run(const Options& options) {
  Json report;
  const auto start = Clock::now();
  FileReader source(options.source, options.source.string());
  const std::vector<Extent> extents = plan(options, source, report);
  report["plan_seconds"] = seconds_since(start);
  if (!options.extents.empty()) {
    write_extents(options.extents, extents);
  }
  if (!options.plan_only) {
    copy(options, source, extents, report);
  }
  report["seconds"] = seconds_since(start);
  rusage own{};
  rusage children{};
  ::getrusage(RUSAGE_SELF, &own);
  ::getrusage(RUSAGE_CHILDREN, &children);
  report["max_rss"] = static_cast<std::uint64_t>(own.ru_maxrss) * k_kib;
  report["cpu_seconds"] = cpu_seconds(own) + cpu_seconds(children);
  fmt::print("{}\n", report.dump());
}

}  // namespace
}  // namespace vmconvert::disk

int main(int argc, char** argv) {
  using namespace vmconvert;
  try {
    install_interrupt_handlers();
    disk::run(disk::parse(argc, argv));
    return 0;
  } catch (const Error& error) {
    fmt::print(stderr, "error: {}\n", to_text(error));
    return error.kind() == ErrorKind::usage ? 2 : 1;
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 1;
  }
}
