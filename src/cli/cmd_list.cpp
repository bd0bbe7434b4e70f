// vmconvert list: the domains of a connection, with disks, sizes, and what batches know of them.
#include <filesystem>

#include "base/error.hpp"
#include "batch/known_guests.hpp"
#include "cli/commands.hpp"
#include "cli/exit_code.hpp"
#include "cli/paths.hpp"
#include "cli/run.hpp"
#include "disk/probe.hpp"
#include "domain/read.hpp"
#include "host/libvirt.hpp"
#include "report/list.hpp"

namespace vmconvert::cli {
namespace {

using report::ListedDomain;

std::optional<ByteCount> size_of(const model::DomainDisk& disk, CommandRunner& commands) {
  if (disk.source.empty()) {
    return std::nullopt;
  }
  try {
    return disk::probe(disk, commands).size;
  } catch (const Error&) {
    return std::nullopt;  // a list shows what it can; check says why
  }
}

ListedDomain read_domain(const host::Connection& connection, const host::DomainSummary& summary,
                         CommandRunner& commands) {
  ListedDomain listed{summary.name, summary.uuid, summary.active ? "running" : "shut off", {}, {},
                      "",           std::nullopt};
  try {
    const model::Domain domain =
        domain::read_domain_xml(connection.domain_xml(summary.name), summary.name);
    for (const model::DomainDisk& disk : domain.disks) {
      listed.disks.push_back(disk);
      listed.sizes.push_back(size_of(disk, commands));
    }
  } catch (const Error& error) {
    listed.problem = error.message();
  }
  return listed;
}

}  // namespace

int run_list(const Options& options, ProgressView& view) {
  RealCommandRunner commands;
  const host::Connection connection =
      host::Connection::open(options.connect, host::Access::read_only);
  const auto known = batch::known_guests(state_dir_of(options.state_dir));
  std::vector<ListedDomain> domains;
  for (const host::DomainSummary& summary : connection.list()) {
    view.show({"list", summary.name, {}, {}});
    domains.push_back(read_domain(connection, summary, commands));
    domains.back().conversion =
        batch::record_of(known, {summary.name, summary.uuid, {options.connect, connection.uri()}});
  }
  print(view, options.json ? report::to_json(domains) + "\n" : report::to_text_table(domains));
  return k_exit_done;
}

}  // namespace vmconvert::cli
