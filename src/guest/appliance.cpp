#include "guest/appliance.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "base/interrupt.hpp"
#include "base/log.hpp"
#include "base/temp_dir.hpp"
#include "base/text.hpp"
#include "guest/appliance_handle.hpp"
#include "guest/appliance_root.hpp"
#include "guest/boot_sector.hpp"
#include "guest/inspect_disks.hpp"
#include "guest/set_ids.hpp"
#include "guest/survey.hpp"

namespace vmconvert::guest {
namespace {

constexpr std::chrono::seconds k_kvm_limit(60);
// Emulation on a machine with other work was seen to need ten minutes for what takes 20 s else; it
// does not hang as KVM does, so patience costs nothing.
constexpr std::chrono::seconds k_tcg_limit(1200);

std::vector<std::string> disk_names(const std::vector<ApplianceDisk>& disks) {
  std::vector<std::string> names;
  names.reserve(disks.size());
  for (const ApplianceDisk& disk : disks) {
    names.push_back(disk.name);
  }
  return names;
}

// The folder's name ends in letters that no other has.
std::string identifier_for(const std::filesystem::path& folder) {
  return "vmconvert-" + folder.extension().string().substr(1);
}

bool host_has_kernel() {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/boot", error)) {
    const std::string name = entry.path().filename();
    if (name.starts_with("vmlinuz-") && ::access(entry.path().c_str(), R_OK) == 0) {
      return true;
    }
  }
  return false;
}

std::string last_lines(const std::string& log, std::size_t count) {
  std::vector<std::string> all = lines(log);
  all.erase(all.begin(), all.end() - static_cast<std::ptrdiff_t>(std::min(count, all.size())));
  return printable(join(all, "\n"));
}

}  // namespace

struct Appliance::State {
  explicit State(ApplianceOptions given)
      : options(std::move(given)),
        folder(options.scratch, "appliance"),
        handle(identifier_for(folder.path())),
        root(handle, disk_names(options.disks)) {}

  void configure();
  void add_disks();
  void launch();
  void report(std::string_view what) const {
    if (options.progress) {
      options.progress({.stage = "appliance", .what = std::string(what), .done = {}, .total = {}});
    }
  }

  ApplianceOptions options;
  TempDir folder;
  ApplianceHandle handle;
  ApplianceRoot root;
  model::GuestFacts facts;
  std::vector<GuestMount> mounts;
  std::vector<std::string> notes;
  model::GuestSurvey survey;  // what mounting told
  model::IdChanges arrays;    // whose UUIDs are set at the end
  bool mounted = false;
};

void Appliance::State::configure() {
  guestfs_h* g = handle.get();
  const std::string own = folder.path().string();
  const std::string cache = options.cache.empty() ? own : options.cache.string();
  std::error_code error;
  std::filesystem::create_directories(cache, error);
  handle.check(guestfs_set_tmpdir(g, own.c_str()), "choosing the appliance's folder");
  handle.check(guestfs_set_cachedir(g, cache.c_str()), "choosing the appliance's cache");
  handle.check(guestfs_set_backend(g, "direct"), "choosing the appliance's backend");
  const bool kvm = options.accelerator == Accelerator::kvm;
  handle.check(guestfs_set_backend_setting(g, kvm ? "force_kvm" : "force_tcg", "1"),
               "choosing the appliance's accelerator");
  handle.check(guestfs_set_memsize(g, static_cast<int>(options.memory.value / k_mib)),
               "setting the appliance's memory");
  handle.check(guestfs_set_network(g, 0), "keeping the appliance off the network");
  handle.check(guestfs_set_autosync(g, 1), "setting autosync");
  // A Ctrl-C is for us: the machine ends when we say so.
  handle.check(guestfs_set_pgroup(g, 1), "setting the appliance's process group");
}

void Appliance::State::add_disks() {
  for (const ApplianceDisk& disk : options.disks) {
    const std::string doing =
        fmt::format("giving {} ({}) to the appliance", disk.name, disk.path.string());
    struct guestfs_add_drive_opts_argv arguments = {};
    arguments.bitmask =
        GUESTFS_ADD_DRIVE_OPTS_FORMAT_BITMASK | GUESTFS_ADD_DRIVE_OPTS_READONLY_BITMASK;
    arguments.format = to_string(disk.format);
    arguments.readonly = disk.readonly ? 1 : 0;
    if (!disk.readonly) {
      arguments.bitmask |= GUESTFS_ADD_DRIVE_OPTS_DISCARD_BITMASK;
      arguments.discard = "enable";
    }
    handle.check(guestfs_add_drive_opts_argv(handle.get(), disk.path.c_str(), &arguments), doing);
  }
}

void Appliance::State::launch() {
  const bool kvm = options.accelerator == Accelerator::kvm;
  const std::chrono::seconds limit = options.launch_limit.value_or(kvm ? k_kvm_limit : k_tcg_limit);
  report("starting");
  handle.watch().arm(limit);
  const int result = guestfs_launch(handle.get());
  handle.watch().disarm();
  if (result == 0) {
    return;
  }
  log_detail(fmt::format("the appliance said:\n{}", last_lines(handle.log(), 40)));
  const std::string doing =
      fmt::format("starting the appliance {}", kvm ? "with KVM" : "by emulation");
  if (handle.watch().timed_out()) {
    throw LaunchTimeout(ErrorKind::tool_failed,
                        fmt::format("{}: not ready after {} s", doing, limit.count()));
  }
  if (!host_has_kernel() && handle.last_error().find("supermin") != std::string::npos) {
    throw Error(
        ErrorKind::not_found,
        fmt::format("{}: no kernel for the appliance in /boot (or none that we may read)", doing),
        "install linux-image-amd64");
  }
  throw_if_interrupted();
  // What the machine's program said last is nearer to the cause than libguestfs' advice.
  const std::string said = replace_all(last_lines(handle.log(), 2), "\n", "; ");
  const std::string error = handle.last_error();
  throw LaunchError(
      ErrorKind::tool_failed,
      fmt::format("{}: {}", doing, said.empty() ? error.substr(0, error.find('\n')) : said),
      "libguestfs-test-tool shows what is wrong with libguestfs on this host");
}

Appliance::Appliance(ApplianceOptions options)
    : m_state(std::make_unique<State>(std::move(options))) {
  m_state->configure();
  m_state->add_disks();
  m_state->launch();
}

Appliance::Appliance(Appliance&&) noexcept = default;
Appliance::~Appliance() = default;

model::GuestFacts Appliance::inspect(const std::vector<model::DeviceRename>& renames,
                                     const RootHint& hint) {
  State& state = *m_state;
  state.report("inspecting");
  MountedGuest mounted =
      mount_guest(state.handle, state.root, disk_names(state.options.disks), renames, hint);
  state.notes = std::move(mounted.notes);
  state.survey.unread = std::move(mounted.unread);
  state.survey.roots = std::move(mounted.roots);
  state.facts = std::move(mounted.facts);
  state.mounts = std::move(mounted.mounts);
  state.mounted = true;
  state.facts.loader =
      boot_sector_loader(state.root.read_disk(state.options.disks.front().name, 0, k_sector_size));
  read_tree_facts(state.root, state.facts);
  return state.facts;
}

model::GuestSurvey Appliance::survey() {
  State& state = *m_state;
  model::GuestSurvey survey = state.survey;
  for (const model::Filesystem& fs : state.facts.filesystems) {
    if (fs.mountpoint.empty() || fs.mountpoint == "swap" || fs.mountpoint == "none") {
      continue;
    }
    // What is not mounted has no numbers, and that was said before.
    const Owned<struct guestfs_statvfs, guestfs_free_statvfs> numbers(
        guestfs_statvfs(state.handle.get(), fs.mountpoint.c_str()));
    if (numbers) {
      survey.rooms.push_back({fs.device, printable(fs.mountpoint),
                              ByteCount{static_cast<std::uint64_t>(numbers->bavail) *
                                        static_cast<std::uint64_t>(numbers->frsize)},
                              static_cast<std::uint64_t>(numbers->files),
                              static_cast<std::uint64_t>(numbers->favail)});
    }
  }
  survey_tree(root(), state.facts, survey);
  return survey;
}

model::Findings Appliance::renew_ids(const model::Layout& layout, model::IdChanges& changes) {
  State& state = *m_state;
  if (changes.empty()) {
    return {};
  }
  state.report("giving new UUIDs");
  model::Findings kept = set_new_ids({state.handle, state.root, state.mounts, layout}, changes);
  std::copy_if(changes.begin(), changes.end(), std::back_inserter(state.arrays),
               [](const model::IdChange& change) { return change.kind == model::IdKind::array; });
  return kept;
}

void Appliance::also_call_disks(std::vector<std::string> names) {
  m_state->root.also_call_disks(std::move(names));
}

GuestRoot& Appliance::root() {
  if (!m_state->mounted) {
    throw Error(ErrorKind::internal, "the guest's root was asked for before its inspection");
  }
  return m_state->root;
}

const std::vector<std::string>& Appliance::notes() const {
  return m_state->notes;
}

void Appliance::trim() {
  m_state->report("trimming");
  for (std::string& note : trim_filesystems(m_state->handle, m_state->root, m_state->facts)) {
    log_warning(note);
    m_state->notes.push_back(std::move(note));
  }
}

Scrubbed Appliance::scrub(const model::GuestFacts& facts, const model::Layout& layout) {
  State& state = *m_state;
  state.report("overwriting free blocks");
  state.mounted = false;
  return scrub_disks(state.handle, state.root, facts, layout);
}

void Appliance::close() {
  State& state = *m_state;
  state.report("closing");
  guestfs_h* g = state.handle.get();
  // While they are mounted: a sync of the appliance's kernel when nothing is mounted any more was
  // seen to keep its processor busy for 40 s to 4 minutes under emulation. What is written after it
  // (the filesystems' own superblocks) is on the disk when unmounting returns.
  state.handle.check(guestfs_sync(g), "writing the guest's changes back");
  state.handle.check(guestfs_umount_all(g), "unmounting the guest's filesystems");
  if (!state.arrays.empty()) {
    set_array_ids(state.handle, state.root, state.facts.filesystems, state.arrays);
  }
  state.handle.check(guestfs_set_autosync(g, 0), "setting autosync");
  state.handle.check(guestfs_shutdown(g), "shutting the appliance down");
  state.mounted = false;
}

std::string Appliance::log() const {
  return m_state->handle.log();
}

}  // namespace vmconvert::guest
