// How far long work is. Whoever does the work reports; whoever shows it computes rates.
#pragma once

#include <functional>
#include <string>

#include "base/units.hpp"

namespace vmconvert::model {

struct Progress {
  std::string stage;  // layout, appliance, trial, copy, verify, define
  std::string what;   // "vda", "starting", "running update-initramfs"
  ByteCount done;     // both zero where the work has no measure
  ByteCount total;
  ByteCount skipped = {};       // of a copy: what is not even read
  std::string held_up_by = {};  // of a copy: where most of the time goes; empty: not known
};

// Called often and from any thread; must be quick.
using ProgressSink = std::function<void(const Progress&)>;

}  // namespace vmconvert::model
