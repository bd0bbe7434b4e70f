#include "job/source_state.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "host/libvirt.hpp"
#include "job/state_json.hpp"

namespace vmconvert::job {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using host::Access;
using host::Connection;
using host::DomainState;

constexpr const char* k_file = "source-domain.json";
constexpr std::uint64_t k_longest_state = 64U << 10U;

std::optional<DomainState> ask(const std::string& uri, const std::string& name) {
  try {
    return host::domain_state(Connection::open(uri, Access::read_only), name);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::interrupted || error.kind() == ErrorKind::internal) {
      throw;
    }
    log_detail("the source's state is not noted: " + to_text(error));
    return std::nullopt;
  }
}

std::string label(const SourceBefore& before) {
  return fmt::format("{} on {}", printable(before.name), printable(before.uri));
}

bool was_on(const DomainState& state) {
  return state.autostart.value_or(false);
}

// How it is now, for what is to be done about it.
struct Difference {
  bool gone = false;       // or another one has its name
  bool stopped = false;    // ran then, is off now
  bool started = false;    // the other way round: only ever told, a machine is not stopped
  bool autostart = false;  // is otherwise now
};

Difference compare(const SourceBefore& before, const std::optional<DomainState>& now) {
  if (!now || now->uuid != before.was.uuid) {
    return {.gone = true};
  }
  return {.stopped = before.was.active && !now->active,
          .started = !before.was.active && now->active,
          .autostart =
              before.was.autostart && now->autostart && now->autostart != before.was.autostart};
}

std::string gone_text(const SourceBefore& before) {
  return fmt::format("the source {} is not there any more", label(before));
}

std::string stopped_text(const SourceBefore& before) {
  return fmt::format(
      "the source {} ran when the job began and is shut off now{}: virsh -c {} start {}",
      label(before), before.stopped_by_hook ? ", by one of its hooks" : "", printable(before.uri),
      printable(before.name));
}

std::string started_text(const SourceBefore& before) {
  return fmt::format("the source {} was shut off when the job began and runs now", label(before));
}

std::string autostart_text(const SourceBefore& before) {
  const bool on = was_on(before.was);
  return fmt::format(
      "the autostart of the source {} was {} when the job began and is {} now{}: virsh -c {} "
      "autostart {}{}",
      label(before), on ? "on" : "off", on ? "off" : "on",
      before.autostart_off_by_hook ? ", by one of its hooks" : "", printable(before.uri),
      on ? "" : "--disable ", printable(before.name));
}

}  // namespace

std::optional<SourceBefore> look_at_domain(const SourceSpec& source) {
  if (source.uri.empty()) {
    return std::nullopt;
  }
  const auto state = ask(source.uri, source.text);
  return state ? std::optional(SourceBefore{source.uri, source.text, *state}) : std::nullopt;
}

std::optional<DomainState> state_now(const SourceBefore& before) {
  return ask(before.uri, before.name);
}

void note_hook(SourceBefore& before, const std::optional<DomainState>& ahead) {
  const auto now = state_now(before);
  if (!ahead || !now || ahead->uuid != before.was.uuid || now->uuid != before.was.uuid) {
    return;
  }
  if (ahead->active != now->active) {
    before.stopped_by_hook = !now->active;
  }
  if (was_on(*ahead) != was_on(*now)) {
    before.autostart_off_by_hook = !was_on(*now);
  }
}

void save_source_before(const fs::path& kept, const SourceBefore& before) {
  const Json json = {
      {"version", 1},
      {"uri", before.uri},
      {"name", before.name},
      {"uuid", before.was.uuid},
      {"active", before.was.active},
      {"autostart", before.was.autostart ? Json(*before.was.autostart) : Json(nullptr)},
      {"stopped_by_hook", before.stopped_by_hook},
      {"autostart_off_by_hook", before.autostart_off_by_hook}};
  AtomicFile file(kept / k_file, 0600);
  file.write(json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  file.commit(Overwrite::yes);
}

void forget_source_before(const fs::path& kept) {
  std::error_code ignored;
  fs::remove(kept / k_file, ignored);
}

std::optional<SourceBefore> load_source_before(const fs::path& kept) {
  const fs::path path = kept / k_file;
  std::error_code ignored;
  if (!fs::exists(fs::symlink_status(path, ignored))) {
    return std::nullopt;
  }
  const std::string text = read_text_file(path, k_longest_state);
  try {
    const Json json = parse_state_json(text);
    SourceBefore before;
    before.uri = json.at("uri").get<std::string>();
    before.name = json.at("name").get<std::string>();
    before.was.uuid = json.at("uuid").get<std::string>();
    before.was.active = json.at("active").get<bool>();
    if (!json.at("autostart").is_null()) {
      before.was.autostart = json.at("autostart").get<bool>();
    }
    before.stopped_by_hook = json.at("stopped_by_hook").get<bool>();
    before.autostart_off_by_hook = json.at("autostart_off_by_hook").get<bool>();
    return before;
  } catch (const Json::exception& error) {
    throw Error(ErrorKind::bad_input,
                fmt::format("{} cannot be understood: {}", path.string(), printable(error.what())),
                "remove the file: how the source was when the job began is then not known");
  }
}

std::string to_text(const SourceBefore& before) {
  return fmt::format("{} {}{}", label(before), before.was.active ? "ran" : "was shut off",
                     !before.was.autostart ? ""
                     : was_on(before.was)  ? ", autostart on"
                                           : ", autostart off");
}

std::vector<std::string> differences(const SourceBefore& before) {
  std::vector<std::string> lines;
  const auto now = state_now(before);
  if (!now) {
    return lines;
  }
  const Difference differs = compare(before, now);
  if (differs.gone) {
    lines.push_back(gone_text(before));
  }
  if (differs.stopped) {
    lines.push_back(stopped_text(before));
  }
  if (differs.started) {
    lines.push_back(started_text(before));
  }
  if (differs.autostart) {
    lines.push_back(autostart_text(before));
  }
  return lines;
}

void require_source_off(const std::string& from, const std::string& source,
                        const model::StartDomain& step) {
  const std::string& uri = from.empty() ? step.uri : from;
  for (const host::DomainSummary& domain : Connection::open(uri, Access::read_only).list()) {
    if (domain.active && domain.name == source && (domain.name != step.name || uri != step.uri)) {
      throw Error(
          ErrorKind::refused,
          fmt::format("{} is not started: the source {} runs on {}", step.name, domain.name, uri),
          "shut the source down for good, then convert again");
    }
  }
}

SourceReturn restore_source(const SourceBefore& before, RestoreSource which) {
  SourceReturn result;
  const bool all = which == RestoreSource::all;
  const bool hooks = which == RestoreSource::hooks;
  const bool start = all || (hooks && before.stopped_by_hook);
  const bool autostart = all || (hooks && before.autostart_off_by_hook);
  if (!start && !autostart) {  // nothing to do, only to tell: not at the price of an error
    result.left = differences(before);
    return result;
  }
  Connection connection = Connection::open(before.uri, Access::read_write);
  const Difference differs = compare(before, host::domain_state(connection, before.name));
  if (differs.gone) {
    result.left.push_back(gone_text(before));
  }
  if (differs.autostart && autostart) {
    host::set_autostart(connection, before.name, was_on(before.was));
    result.restored.push_back(fmt::format("the autostart of the source {} is {} again",
                                          label(before), was_on(before.was) ? "on" : "off"));
  } else if (differs.autostart) {
    result.left.push_back(autostart_text(before));
  }
  if (differs.stopped && start) {
    connection.start(before.name);
    result.restored.push_back(fmt::format("the source {} runs again", label(before)));
  } else if (differs.stopped) {
    result.left.push_back(stopped_text(before));
  }
  if (differs.started) {
    result.left.push_back(started_text(before));
  }
  return result;
}

}  // namespace vmconvert::job
