// Reading the disks of a guest that runs, through snapshots: when they are taken, when they are
// looked after, when they go.
#include <algorithm>

#include "base/error.hpp"
#include "base/log.hpp"
#include "job/conversion.hpp"
#include "job/state.hpp"

namespace vmconvert::job {

// Before the first look at a disk. A job that goes on has its snapshots already.
void Conversion::read_through_snapshots() {
  State& state = *m_state;
  if (!state.request.snapshot) {
    return;
  }
  if (!state.snapshots) {
    state.report("layout", "taking snapshots");
    CommandRunner& commands = state.tools.commands;
    state.snapshots.emplace(state.workspace->folder(), state.workspace->job_id(), commands);
    state.add_findings(state.snapshots->take(state.source.domain, *state.request.snapshot,
                                             state.request.accepted));
    const model::Findings& found = state.result.findings;
    if (std::any_of(found.begin(), found.end(), [](const model::Finding& finding) {
          return finding.id == "snapshot-impossible" && !finding.acknowledged;
        })) {
      refuse_if_blocked();  // such a disk is not even looked at
    }
  }
  state.snapshots->put_in_place(state.source.domain);
}

void Conversion::State::while_reading(const std::function<void()>& read) const {
  try {
    read();
  } catch (const Error& error) {
    if (snapshots && error.kind() != ErrorKind::interrupted) {
      snapshots->require_intact();
    }
    throw;
  }
  if (snapshots) {
    snapshots->require_intact();
  }
}

void Conversion::State::remove_snapshots() {
  if (!snapshots) {
    return;
  }
  disks.clear();  // they are open in there
  try {
    snapshots->remove();
  } catch (const Error& problem) {
    log_warning(to_text(problem));
  }
}

}  // namespace vmconvert::job
