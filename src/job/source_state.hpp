// How the source's domain was when a job began. vmconvert never changes it; the job's hooks may.
// undo brings back what they changed, and says what else is not as it was.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "host/domain_state.hpp"
#include "job/request.hpp"
#include "model/plan.hpp"

namespace vmconvert::job {

struct SourceBefore {
  std::string uri;
  std::string name;
  host::DomainState was;         // when the job began, before its hooks
  bool stopped_by_hook = false;  // a hook of the job's shut it down, and it stayed so
  bool autostart_off_by_hook = false;

  bool operator==(const SourceBefore&) const = default;
};

// Nothing for a source that is no domain on a connection, or that cannot be asked: a note is no
// reason to fail.
std::optional<SourceBefore> look_at_domain(const SourceSpec& source);

// To be told how it was before a hook ran: what is otherwise now is that hook's work.
void note_hook(SourceBefore& before, const std::optional<host::DomainState>& ahead);
// As it is now; nothing if it cannot be asked.
std::optional<host::DomainState> state_now(const SourceBefore& before);

// JOB/kept/source-domain.json. load: nothing where there is none; Error(bad_input) for a damaged
// one.
void save_source_before(const std::filesystem::path& kept, const SourceBefore& before);
void forget_source_before(const std::filesystem::path& kept);
std::optional<SourceBefore> load_source_before(const std::filesystem::path& kept);

std::string to_text(const SourceBefore& before);  // "web01 on qemu:///system ran, autostart on"

// Which differences undo removes.
enum class RestoreSource { hooks, all, none };

// One line for each thing that was brought back, and one for each that is left otherwise.
struct SourceReturn {
  std::vector<std::string> restored;
  std::vector<std::string> left;
};
// Only the domain with the UUID of then is touched. Error(tool_failed, not_found) if what is to be
// brought back cannot be.
SourceReturn restore_source(const SourceBefore& before, RestoreSource which);
// What differs, without touching anything; empty if it cannot be asked.
std::vector<std::string> differences(const SourceBefore& before);

// Before a new domain is started: two live copies of one machine are worse than none. Looked at is
// the connection `from` that the source came from, or for a description in a file (empty) the one
// that the new domain is defined on. Error(refused) if the source runs there.
void require_source_off(const std::string& from, const std::string& source,
                        const model::StartDomain& step);

}  // namespace vmconvert::job
