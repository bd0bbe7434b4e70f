// The source's disks as they are, before any patching: the target's host knows what it wants
// patched, and a second export finds the same bytes again. Nothing here starts the appliance.
#include "job/export.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "bundle/names.hpp"
#include "bundle/writer.hpp"
#include "disk/allocation_map.hpp"
#include "disk/bundle_disk.hpp"
#include "disk/extent_map.hpp"
#include "disk/probe.hpp"
#include "job/conversion.hpp"
#include "job/state.hpp"

namespace vmconvert::job {
namespace {

namespace fs = std::filesystem;

std::string host_file_name(const char* folder, const fs::path& path) {
  const std::string name = path.filename().string();
  if (!bundle::is_host_file_name(name)) {
    throw Error(ErrorKind::unsupported,
                fmt::format("a bundle cannot hold a file of the name {}", printable(name)),
                "give the kernel's file a name of letters, digits, dots and dashes");
  }
  return fmt::format("host/{}/{}", folder, name);
}

void put_host_file(bundle::Writer& bundle, const std::string& name, const fs::path& path) {
  const std::string content = read_text_file(path, bundle::largest_size(name));
  bundle.put(name, bundle::as_bytes(content));
}

// Kernel, initrd and configuration that the guest's host keeps for it.
void put_kernel(bundle::Writer& bundle, const model::Domain& domain, bundle::Facts& facts) {
  if (!domain.direct_boot) {
    return;
  }
  const fs::path& kernel = domain.direct_boot->kernel;
  facts.kernel = host_file_name("kernel", kernel);
  put_host_file(bundle, facts.kernel, kernel);
  if (!domain.direct_boot->initrd.empty()) {
    facts.initrd = host_file_name("initrd", domain.direct_boot->initrd);
    put_host_file(bundle, facts.initrd, domain.direct_boot->initrd);
  }
  const std::string name = kernel.filename().string();
  if (name.starts_with("vmlinuz-")) {
    const fs::path config = kernel.parent_path() / ("config-" + name.substr(8));
    if (fs::exists(config)) {
      put_host_file(bundle, host_file_name("kernel", config), config);
    }
  }
}

bundle::WriteOptions write_options(const ExportTarget& target, const Request& request,
                                   const Tools& tools) {
  const bundle::Digest folder = bundle::sha256(bundle::as_bytes(target.folder.string()));
  return {target.level, target.recipients, target.identity,
          request.state_dir / "exports" / bundle::to_hex(folder).substr(0, 32),
          "vmconvert " + tools.version};
}

}  // namespace

ExportOutcome Conversion::export_bundle(const ExportTarget& target) {
  ExportOutcome outcome;
  m_state->while_reading([&] { outcome = write_bundle(target); });
  return outcome;
}

ExportOutcome Conversion::write_bundle(const ExportTarget& target) {
  State& state = *m_state;
  const model::Domain& domain = state.source.domain;
  if (!target.folder.empty()) {
    state.locks.emplace_back(state.request.state_dir, target.folder.string());
  }
  const auto maps = read_free_space();
  const bundle::WriteOptions options = write_options(target, state.request, state.tools);
  bundle::Writer writer = target.folder.empty()
                              ? bundle::Writer(STDOUT_FILENO, options, state.tools.commands)
                              : bundle::Writer(target.folder, options, state.tools.commands);
  ExportOutcome outcome;
  bundle::Facts facts;
  facts.guest = domain.name;
  std::vector<bundle::DiskNotes> notes;
  std::vector<bundle::Leaves> leaves;
  for (std::size_t i = 0; i < domain.disks.size(); ++i) {
    const model::DomainDisk& disk = domain.disks[i];
    if (disk.device != model::DiskDevice::disk) {
      continue;
    }
    const auto source = disk::open_disk(disk, state.workspace->scratch());
    const auto extents = disk::without_free(disk::source_extents(*source), maps[i].free);
    disk::ExportedDisk made = disk::export_disk(
        {disk.target, source->size(), extents, *source, writer}, state.tools.progress);
    outcome.disks.push_back({disk.target, source->size(), made.read, made.data});
    facts.disks.push_back({disk.target, source->size(), made.data});
    notes.push_back({state.disk_facts[i], maps[i].notes});
    leaves.push_back(std::move(made.leaves));
  }
  put_kernel(writer, domain, facts);
  writer.put(bundle::k_domain_name, bundle::as_bytes(domain.xml));
  if (!target.blueprint.empty()) {
    const std::string text =
        read_text_file(target.blueprint, bundle::largest_size(bundle::k_blueprint_name));
    writer.put(bundle::k_blueprint_name, bundle::as_bytes(text));
  }
  writer.put(bundle::k_facts_name, bundle::as_bytes(bundle::to_json(facts, domain, notes)));
  const bundle::Writer::Written written = writer.finish(leaves);
  outcome.stored = ByteCount{written.manifest.stored_bytes()};
  outcome.added = ByteCount{written.new_bytes};
  outcome.files = written.manifest.files.size();
  outcome.root = "sha256:" + bundle::to_hex(written.manifest.root);
  return outcome;
}

}  // namespace vmconvert::job
