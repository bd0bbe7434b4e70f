#include "job/redo.hpp"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <optional>
#include <span>

#include "base/diff.hpp"
#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/log.hpp"
#include "base/new_file.hpp"
#include "base/text.hpp"
#include "domain/adjust.hpp"
#include "domain/read.hpp"
#include "domain/rewrite.hpp"
#include "domain/validate.hpp"
#include "domain/values.hpp"
#include "host/domain_state.hpp"
#include "host/libvirt.hpp"
#include "job/definition.hpp"
#include "job/job_control.hpp"
#include "job/made.hpp"
#include "job/source_state.hpp"
#include "job/workspace.hpp"
#include "model/plan.hpp"

namespace vmconvert::job {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t k_longest_description = 1U << 20U;

// What the job's steps made, sorted by what becomes of it.
struct MadeThings {
  unsigned description_step = 0;
  std::optional<MadeFile> description;
  unsigned domain_step = 0;  // 0: the job defined nothing
  std::optional<MadeDomain> domain;
};

MadeThings look_at_made(const JobView& view, CommandRunner& commands) {
  MadeThings things;
  for (const StepRecord& step : view.steps) {
    if (step.made.empty()) {
      continue;
    }
    const Made made = made_from_json(step.made);
    const auto* file = std::get_if<MadeFile>(&made);
    if (const auto* domain = std::get_if<MadeDomain>(&made)) {
      things.domain_step = step.number;
      things.domain = *domain;
    } else if (file != nullptr && file->disk.empty()) {
      things.description_step = step.number;
      things.description = *file;
    } else if (look_for(made, commands) != Presence::same) {
      throw Error(ErrorKind::refused,
                  fmt::format("{} is not there any more, or is another one", describe(made)),
                  "without its disks there is nothing to define: convert again");
    }
  }
  if (!things.description) {
    throw Error(ErrorKind::refused, fmt::format("the job {} wrote no description", view.record.id),
                "convert again");
  }
  return things;
}

model::Adjustments laid_over(model::Adjustments below, const model::Adjustments& above) {
  below.memory = above.memory ? above.memory : below.memory;
  below.vcpus = above.vcpus ? above.vcpus : below.vcpus;
  for (const auto& [from, to] : above.bridges) {
    below.bridges[from] = to;
  }
  return below;
}

Request next_request(const Request& before, const RedoWishes& wishes) {
  Request request = before;
  request.name = wishes.name.empty() ? before.name : wishes.name;
  request.adjustments = laid_over(before.adjustments, wishes.adjustments);
  request.stylesheet = wishes.stylesheet.empty() ? before.stylesheet : wishes.stylesheet;
  request.define = before.define || !wishes.target_uri.empty();
  request.start = false;
  return request;
}

std::string make_xml(const Request& request, const Definition& definition, const std::string& name,
                     const std::string& job, const Tools& tools) {
  const model::Domain source = domain::adjusted(
      domain::read_domain_xml(definition.original_xml, "the job's description of its source"),
      request.adjustments, definition.first_name);
  const bool to_xen = request.to == model::TargetHypervisor::xen;
  domain::RewriteRequest rewrite;
  rewrite.source_xml = source.xml;
  rewrite.stylesheet =
      !request.stylesheet.empty()
          ? request.stylesheet
          : tools.templates / "domain" / (to_xen ? "xen-to-xen.xsl" : "xen-to-kvm.xsl");
  rewrite.name = name;
  rewrite.uuid = definition.uuid;
  rewrite.macs = definition.macs;
  rewrite.virt_type = definition.virt_type;
  rewrite.arch = source.arch;
  rewrite.disks = definition.disks;
  rewrite.nic_model = definition.nic_model;
  std::string xml = domain::with_provenance(
      domain::rewrite_domain(rewrite),
      {job, (request.source.uri.empty() ? "" : request.source.uri + " ") + request.source.text,
       fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr))), tools.version});
  static_cast<void>(domain::validate_domain_xml(xml));
  return xml;
}

// Nothing is changed yet when one of these is thrown.
void require_free(const host::Connection& connection, const std::string& name,
                  const std::string& uuid, const std::optional<MadeDomain>& ours) {
  for (const host::DomainSummary& domain : connection.list()) {
    const bool is_ours = ours && ours->uri == connection.uri() && ours->uuid == domain.uuid &&
                         ours->name == domain.name;
    if (!is_ours && (domain.name == name || domain.uuid == uuid)) {
      throw Error(ErrorKind::refused,
                  fmt::format("{} has a domain {} with the UUID {}, which is not the one that the "
                              "job made",
                              connection.uri(), printable(domain.name), domain.uuid),
                  "choose another name (--name), or undefine that domain first");
    }
  }
}

// The old definition, while the new one is not there yet: put back unless told otherwise.
class OldDefinition {
 public:
  // Takes it away where the new one does not simply replace it: another name, another connection.
  OldDefinition(const std::optional<MadeDomain>& old, const std::string& uri,
                const std::string& name, CommandRunner& commands) {
    if (!old || look_for(*old, commands) != Presence::same) {
      return;
    }
    host::Connection connection = host::Connection::open(old->uri, host::Access::read_write);
    m_autostart = host::domain_state(connection, old->name)->autostart.value_or(false);
    if (old->uri == uri && old->name == name) {
      if (connection.is_active(old->name)) {
        log_warning(fmt::format("{} runs: the new definition counts from its next start on", name));
      }
      return;
    }
    m_xml = connection.domain_xml(old->name);
    remove(*old, commands);  // refused while it runs
    m_old = old;
  }

  [[nodiscard]] bool autostart() const { return m_autostart; }
  void put_back() {
    if (m_old) {
      host::Connection connection = host::Connection::open(m_old->uri, host::Access::read_write);
      static_cast<void>(connection.define(m_xml, host::Schema::skip));
      if (m_autostart) {
        host::set_autostart(connection, m_old->name, true);
      }
    }
  }

 private:
  std::optional<MadeDomain> m_old;
  std::string m_xml;
  bool m_autostart = false;
};

class DefinitionRedo {
 public:
  DefinitionRedo(Journal& journal, std::string job, MadeThings things, const Tools& tools)
      : m_journal(journal), m_job(std::move(job)), m_things(std::move(things)), m_tools(tools) {}

  // The description's text is on the disk already, and gets its name last: what fails before that
  // leaves the old file.
  void carry_out(const std::string& uri, const std::string& name, const std::string& uuid,
                 const fs::path& path, const std::string& xml) {
    NewFile file(path, 0644);
    pwrite_exactly(file.fd(), std::as_bytes(std::span(xml)), 0, path.string());
    if (::fsync(file.fd()) != 0) {
      throw_errno(errno, fmt::format("writing {}", path.string()));
    }
    if (!uri.empty()) {
      define(uri, name, uuid, xml);
    }
    const std::optional<MadeFile> old = m_things.description;
    if (old) {
      remove(*old, m_tools.commands);
    }
    note(m_things.description_step, identify_file(file.fd(), path));
    file.appear();
    m_journal.describe_step(m_job, m_things.description_step,
                            model::describe(model::WriteDomainXml{path}));
  }

 private:
  void note(unsigned step, const Made& made) { m_journal.note_made(m_job, step, to_json(made)); }

  void define(const std::string& uri, const std::string& name, const std::string& uuid,
              const std::string& xml) {
    OldDefinition old(m_things.domain, uri, name, m_tools.commands);
    const std::string what = model::describe(model::DefineDomain{uri, name});
    if (m_things.domain_step == 0) {
      m_things.domain_step = m_journal.add_step(m_job, what);
    }
    note(m_things.domain_step, MadeDomain{uri, name, uuid});
    try {
      host::Connection connection = host::Connection::open(uri, host::Access::read_write);
      static_cast<void>(connection.define(xml));
      if (old.autostart()) {
        host::set_autostart(connection, name, true);
      }
    } catch (const Error&) {
      old.put_back();
      if (m_things.domain) {
        note(m_things.domain_step, *m_things.domain);
      }
      throw;
    }
    m_journal.describe_step(m_job, m_things.domain_step, what);
  }

  Journal& m_journal;
  std::string m_job;
  MadeThings m_things;
  const Tools& m_tools;
};

KeptDefinition kept_by(const JobView& view, const Workspace& workspace) {
  if (view.record.state != JobState::done) {
    throw Error(ErrorKind::usage,
                fmt::format("the job {} is {}: only a finished one's definition can be made anew",
                            view.record.id, view.state_text()),
                view.unfinished() ? view.advice() : "vmconvert jobs lists what there is");
  }
  auto kept = load_definition(workspace.keep());
  if (!kept) {
    throw Error(ErrorKind::unsupported,
                fmt::format("an older vmconvert made the job {}, and did not keep what its "
                            "definition was made from",
                            view.record.id),
                "edit the domain itself (virsh edit), or convert again");
  }
  return std::move(*kept);
}

}  // namespace

Redone redo_definition(const fs::path& state_dir, const std::string& job, const RedoWishes& wishes,
                       const Tools& tools) {
  const JobView view = find_job(state_dir, job);
  const Workspace workspace(state_dir, view.record.id);
  KeptDefinition kept = kept_by(view, workspace);
  const MadeThings things = look_at_made(view, tools.commands);
  if (!wishes.name.empty()) {
    domain::check_domain_name(wishes.name, "--name");
  }
  const std::string name = wishes.name.empty() ? view.record.name : wishes.name;
  const Request request = next_request(kept.job.request, wishes);
  const std::string uri = !wishes.target_uri.empty() ? wishes.target_uri
                          : things.domain            ? things.domain->uri
                                                     : "";
  if (wishes.start && uri.empty()) {
    throw Error(ErrorKind::usage, "--start needs a domain, and the job defined none",
                "name the connection to define it on: -t URI");
  }
  const fs::path path = name == view.record.name
                            ? things.description->path
                            : things.description->path.parent_path() / (name + ".xml");
  const std::string xml = make_xml(request, kept.definition, name, view.record.id, tools);
  if (path != things.description->path && fs::exists(fs::symlink_status(path))) {
    throw Error(ErrorKind::refused, fmt::format("{} is there already", path.string()),
                "choose another name (--name), or move that file away");
  }
  if (look_for(*things.description, tools.commands) == Presence::other) {
    throw Error(
        ErrorKind::refused,
        fmt::format("{} is not the one that the job wrote", things.description->path.string()),
        "move that file away: the new description gets its name");
  }
  std::string before;
  if (fs::exists(things.description->path)) {
    before = read_text_file(things.description->path, k_longest_description);
  }
  if (!uri.empty()) {
    require_free(host::Connection::open(uri, host::Access::read_only), name, kept.definition.uuid,
                 things.domain);
    if (wishes.start) {
      require_source_off(request.source.uri, view.record.guest, {uri, name});
    }
  }

  Journal journal(state_dir);
  DefinitionRedo(journal, view.record.id, things, tools)
      .carry_out(uri, name, kept.definition.uuid, path, xml);
  journal.rename(view.record.id, view.record.guest, name);
  kept.definition.description = path;
  kept.definition.target_uri = uri;
  kept.job.request = request;
  keep_definition(workspace.keep(), kept);
  Redone done{view.record.id,
              name,
              path,
              uri,
              false,
              unified_diff(things.description->path.filename().string(), before,
                           path.filename().string(), xml)};
  if (wishes.start) {
    host::Connection::open(uri, host::Access::read_write).start(name);
    done.started = true;
  }
  return done;
}

}  // namespace vmconvert::job
