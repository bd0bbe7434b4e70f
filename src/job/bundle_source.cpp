#include "job/bundle_source.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"
#include "bundle/content.hpp"
#include "bundle/names.hpp"
#include "domain/read.hpp"

namespace vmconvert::job {
namespace {

namespace fs = std::filesystem;

void attach_disks(model::Domain& domain, const bundle::Content& content) {
  const auto& entries = content.facts().disks;
  for (model::DomainDisk& disk : domain.disks) {
    if (disk.device != model::DiskDevice::disk) {
      continue;
    }
    const auto found = std::find_if(entries.begin(), entries.end(),
                                    [&](const auto& entry) { return entry.target == disk.target; });
    if (found == entries.end()) {
      throw Error(ErrorKind::bad_input,
                  fmt::format("{}: the description has a disk {}, the bundle has none by that name",
                              content.folder().string(), printable(disk.target)));
    }
    disk.source =
        content.folder() / bundle::leaves_name(static_cast<std::size_t>(found - entries.begin()));
    disk.format = model::DiskFormat::raw;
  }
}

// The kernel of the host that the guest came from: a path of this host's would name another one.
void attach_kernel(model::Domain& domain, const bundle::Content& content) {
  if (!domain.direct_boot) {
    return;
  }
  const bundle::Facts& facts = content.facts();
  if (facts.kernel.empty() || (facts.initrd.empty() && !domain.direct_boot->initrd.empty())) {
    throw Error(ErrorKind::bad_input,
                fmt::format("{}: the guest boots a kernel of its host, which the bundle has not",
                            content.folder().string()),
                "export it again, on the host that has the kernel");
  }
  for (const std::string& name : {facts.kernel, facts.initrd}) {
    if (!name.empty()) {
      static_cast<void>(bundle::read_checked(content.folder(), *content.manifest().find(name)));
    }
  }
  domain.direct_boot->kernel = content.folder() / facts.kernel;
  domain.direct_boot->initrd = facts.initrd.empty() ? fs::path() : content.folder() / facts.initrd;
}

}  // namespace

model::Domain open_bundle(const fs::path& folder) {
  const auto content = bundle::Content::open(folder);
  model::Domain domain = domain::read_domain_xml(
      content->domain_xml(), (content->folder() / bundle::k_domain_name).string());
  domain.was_running = false;  // an export is of a guest at rest
  attach_disks(domain, *content);
  attach_kernel(domain, *content);
  return domain;
}

}  // namespace vmconvert::job
