// The copies of a job: all disks at once, from where an earlier process left off.
#include <fmt/format.h>

#include <chrono>
#include <mutex>

#include "base/error.hpp"
#include "base/text.hpp"
#include "disk/copy.hpp"
#include "disk/resume.hpp"
#include "job/carrier.hpp"
#include "job/rate_limit.hpp"
#include "job/report_keeper.hpp"

namespace vmconvert::job {
namespace {

namespace fs = std::filesystem;

// Looks now and then whether somebody writes to the sources while they are read.
class SourceWatch {
 public:
  explicit SourceWatch(std::function<void()> look) : m_look(std::move(look)) {}

  // From any thread, often. Throws what the look throws.
  void now_and_then() {
    constexpr auto k_interval = std::chrono::seconds(2);
    const std::unique_lock lock(m_mutex, std::try_to_lock);
    if (lock && std::chrono::steady_clock::now() - m_looked >= k_interval) {
      m_looked = std::chrono::steady_clock::now();
      m_look();
    }
  }

 private:
  std::function<void()> m_look;
  std::mutex m_mutex;
  std::chrono::steady_clock::time_point m_looked = std::chrono::steady_clock::now();
};

}  // namespace

// What a copy needs open.
struct Conversion::Carrier::OpenCopy {
  std::size_t index = 0;  // of the disk in the plan
  std::unique_ptr<disk::BlockReader> source;
  std::unique_ptr<disk::BlockReader> overlay;
  std::unique_ptr<disk::TargetWriter> writer;
  fs::path state_file;
};

disk::Manifest& Conversion::Carrier::manifest_of(const std::string& disk) {
  const auto found = m_manifests.find(disk);
  if (found != m_manifests.end()) {
    return found->second;
  }
  const fs::path path = m_state.workspace->keep() / (disk + ".manifest");
  return m_manifests.emplace(disk, disk::Manifest::open(path)).first->second;
}

// The process died between the end of the copy and the note of it.
bool Conversion::Carrier::was_copied(const std::string& disk) {
  const TargetDisk& target = m_disks.at(disk);
  return fs::exists(m_state.workspace->keep() / (disk + ".manifest")) &&
         disk::was_finished(manifest_of(disk), target.path(), target.format());
}

// A new manifest, or the one of an interrupted copy after a second look at what it relies on.
void Conversion::Carrier::prepare_manifest(const model::CopyDisk& step, std::size_t index,
                                           disk::BlockReader& source, disk::BlockReader* overlay) {
  const model::PlannedDisk& planned = m_plan.disks[index];
  const fs::path path = m_state.workspace->keep() / (step.disk + ".manifest");
  const disk::LeafHash plan = disk::fingerprint(planned.layout.size, planned.extents);
  if (!fs::exists(path)) {
    m_manifests.emplace(
        step.disk, disk::Manifest::create(path, {m_state.request.hash, planned.layout.size, plan}));
    return;
  }
  disk::Manifest& manifest = manifest_of(step.disk);
  if (manifest.head().plan != plan) {
    throw Error(ErrorKind::bad_input, fmt::format("{} belongs to another plan", path.string()),
                "take the job back (vmconvert undo JOB) and convert again");
  }
  std::vector<ByteCount> starts;
  for (const model::Partition& part : planned.layout.partitions) {
    starts.push_back(part.start);
  }
  m_state.report("copy", fmt::format("looking again at what is there of {}", step.disk));
  disk::recheck_source(manifest, step.disk, planned.extents, source, overlay, starts);
  const TargetDisk& target = m_disks.at(step.disk);
  disk::recheck_target(manifest, target.path(), target.format());
}

// A copy is no step like others: it is carried out together with those beside it.
void Conversion::Carrier::operator()(const model::CopyDisk& step) {
  throw Error(ErrorKind::internal, fmt::format("the copy of {} comes by itself", step.disk));
}

// Nothing if it was done before.
std::unique_ptr<Conversion::Carrier::OpenCopy> Conversion::Carrier::open_copy(
    const model::CopyDisk& step) {
  const std::size_t index = index_of(step.disk);
  const model::PlannedDisk& planned = m_plan.disks[index];
  const fs::path state_file = m_state.workspace->folder() / (step.disk + ".runs");
  if (done_before() || was_copied(step.disk)) {
    fs::remove(state_file);  // of a process that was killed while it copied another disk
    model::DiskResult& result = m_state.result.disks.at(index);
    const model::ExtentTotals sum = model::totals(planned.extents);
    result.read = sum.needed + sum.patched;
    result.skipped = sum.skipped;
    if (m_state.report_so_far && index < m_state.report_so_far->disks.size()) {
      result.written.value = m_state.report_so_far->disks[index].written;
    }
    result.checksum = manifest_of(step.disk).root();
    return nullptr;
  }
  auto open = std::make_unique<OpenCopy>();
  open->index = index;
  open->source = m_state.disks[index].open_reader(
      [&](const fs::path& path, const std::string& what, ByteCount size) {
        return bad_sectors_of(path, what, size);
      });
  open->overlay =
      disk::open_image(m_state.overlays[index], model::DiskFormat::qcow2,
                       m_state.workspace->scratch(), fmt::format("the overlay of {}", step.disk));
  prepare_manifest(step, index, *open->source, open->overlay.get());
  open->state_file = state_file;
  if (manifest_of(step.disk).head().durable_nodes == 0) {
    fs::remove(open->state_file);
  }
  open->writer = m_disks.at(step.disk).open_writer(open->state_file);
  return open;
}

void Conversion::Carrier::copy(const std::vector<std::unique_ptr<OpenCopy>>& copies) {
  RateLimit limit(m_state.request.rate_limit, m_state.workspace->folder() / "rate-limit");
  limit.look();  // a small disk would be copied before the first second is over
  SourceWatch watch([&] { m_state.require_sources_unchanged(); });
  std::vector<disk::CopyRequest> requests;
  std::vector<std::string> names;
  for (const auto& each : copies) {
    const model::PlannedDisk& planned = m_plan.disks[each->index];
    const std::string& name = planned.layout.name;
    requests.push_back({name, planned.layout.size, planned.extents, *each->source,
                        each->overlay.get(), *each->writer, manifest_of(name), &limit.throttle()});
    names.push_back(name);
  }
  const StageTimer timer(m_state.result, fmt::format("copy {}", join(names, ", ")));
  const auto copied = [&] {
    const ReportKeeper keeper([&] { m_owner.keep_report("", ""); });
    return disk::copy_disks(requests, [&](const model::Progress& progress) {
      limit.look();
      watch.now_and_then();
      if (m_state.tools.progress) {
        m_state.tools.progress(progress);
      }
    });
  }();
  for (std::size_t i = 0; i < copies.size(); ++i) {
    model::DiskResult& result = m_state.result.disks.at(copies[i]->index);
    fs::remove(copies[i]->state_file);
    result.read = copied[i].read;
    result.written = copied[i].written;
    result.skipped = copied[i].skipped;
    result.checksum = manifest_of(names[i]).root();
  }
  m_owner.keep_report("", "");  // a process that goes on from here knows what was written
}

std::size_t Conversion::Carrier::carry_out_copies(std::size_t first) {
  std::size_t end = first;
  std::vector<std::unique_ptr<OpenCopy>> copies;
  for (; end < m_plan.steps.size(); ++end) {
    const auto* step = std::get_if<model::CopyDisk>(&m_plan.steps[end]);
    if (step == nullptr) {
      break;
    }
    while_doing(model::describe(*step), [&] {
      begin_step(end);
      if (auto open = open_copy(*step)) {
        copies.push_back(std::move(open));
      }
    });
  }
  if (!copies.empty()) {
    m_state.while_reading([&] { copy(copies); });
    m_state.require_sources_unchanged();
  }
  tell_of_bad_sectors();
  for (std::size_t i = first; i < end; ++i) {
    finish_step(i);
  }
  return end - first;
}

}  // namespace vmconvert::job
