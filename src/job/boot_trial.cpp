// The patched guest, booted from its overlays before a byte of it is copied, or written again.
#include <fmt/format.h>

#include "base/error.hpp"
#include "job/conversion.hpp"
#include "job/state.hpp"
#include "trial/trial.hpp"

namespace vmconvert::job {

model::BootTrial Conversion::trial_step() const {
  trial::TrialRequest defaults;
  defaults.accelerator = m_state->accelerator.kind;
  const unsigned chosen = m_state->request.trial_limit_seconds;
  return {chosen > 0 ? chosen : static_cast<unsigned>(trial::time_limit(defaults).count())};
}

void Conversion::boot_trial(const model::BootTrial& step, const std::string& log_name) {
  State& state = *m_state;
  const StageTimer timer(state.result, "trial");
  const model::Domain& source = state.source.domain;
  trial::TrialRequest request;
  for (std::size_t i = 0; i < state.layout.disks.size(); ++i) {
    request.disks.push_back({state.target_name(state.layout.disks[i]), state.overlays[i]});
  }
  request.memory = source.memory;
  request.vcpus = source.vcpus;
  request.arch = source.arch;
  for (const model::DomainNic& nic : source.nics) {
    request.macs.push_back(nic.mac);
  }
  request.hardware = state.hardware;
  request.uefi = source.uefi;
  request.accelerator = state.accelerator.kind;
  request.limit = std::chrono::seconds(step.limit_seconds);
  request.work_folder = state.workspace->scratch();
  request.console_log = state.workspace->keep() / log_name;
  trial::TrialResult trial;
  state.while_reading([&] { trial = trial::run_trial(request, state.tools.progress); });
  state.result.trial =
      model::TrialOutcome{trial.booted, trial.seconds, trial.booted ? trial.evidence : trial.cause,
                          trial.last_lines, trial.console_log.string()};
  if (!trial.booted) {
    throw Error(
        ErrorKind::trial_failed,
        fmt::format("the trial of {} failed: {}", source.name, trial.cause),
        fmt::format("read the console in {}; nothing was written", trial.console_log.string()));
  }
}

}  // namespace vmconvert::job
