// vmconvert list: the domains of a connection, with disks and sizes.
#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/exit_code.hpp"
#include "cli/run.hpp"
#include "disk/probe.hpp"
#include "domain/read.hpp"
#include "host/libvirt.hpp"
#include "report/json.hpp"

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
  ListedDomain listed{summary.name, summary.uuid, summary.active ? "running" : "shut off",
                      {},           {},           ""};
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

std::string to_text_table(const std::vector<ListedDomain>& domains) {
  std::string text =
      fmt::format("{:<24} {:<9} {:<7} {:>12}  {}\n", "NAME", "STATE", "DISK", "SIZE", "SOURCE");
  for (const ListedDomain& domain : domains) {
    std::string name = printable(domain.name);
    std::string state = domain.state;
    if (domain.disks.empty()) {
      text += fmt::format("{:<24} {:<9} {}\n", name, state,
                          domain.problem.empty() ? "(no disk)" : printable(domain.problem));
    }
    for (std::size_t i = 0; i < domain.disks.size(); ++i) {
      const model::DomainDisk& disk = domain.disks[i];
      text += fmt::format("{:<24} {:<9} {:<7} {:>12}  {}\n", name, state, disk.target,
                          domain.sizes[i] ? to_text(*domain.sizes[i]) : "-",
                          disk.source.empty() ? "(empty)" : printable(disk.source.string()));
      name.clear();
      state.clear();
    }
  }
  return text;
}

}  // namespace

int run_list(const Options& options, ProgressView& view) {
  RealCommandRunner commands;
  const host::Connection connection =
      host::Connection::open(options.connect, host::Access::read_only);
  std::vector<ListedDomain> domains;
  for (const host::DomainSummary& summary : connection.list()) {
    view.show({"list", summary.name, {}, {}});
    domains.push_back(read_domain(connection, summary, commands));
  }
  print(view, options.json ? report::to_json(domains) + "\n" : to_text_table(domains));
  return k_exit_done;
}

}  // namespace vmconvert::cli
