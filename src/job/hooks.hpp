// Programs of the site's, run at points of a job that its blueprint names.
#pragma once

#include <string>

#include "base/subprocess.hpp"
#include "model/adjustments.hpp"
#include "model/result.hpp"

namespace vmconvert::job {

// What a hook is told, in its environment: VMCONVERT_HOOK, VMCONVERT_JOB, VMCONVERT_GUEST,
// VMCONVERT_NAME, VMCONVERT_SOURCE, VMCONVERT_ERROR. What is not known yet is empty.
struct HookContext {
  std::string job;
  std::string guest;
  std::string name;
  std::string source;
  std::string error;
};

// Runs it and says how it ended, with what it wrote last. Never a shell; killed with all that it
// started when its time is up. Does not throw for a failure: that is the caller's to judge.
model::HookOutcome run_hook(const model::Hook& hook, const HookContext& context,
                            CommandRunner& commands);

// Error(tool_failed) if it failed and was to stop the job; a warning if it was not.
void judge(const model::Hook& hook, const model::HookOutcome& outcome);

}  // namespace vmconvert::job
