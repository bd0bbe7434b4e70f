// What an operator may want of the new guest beside what the program does by itself.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/units.hpp"

namespace vmconvert::model {

enum class MacPolicy {
  keep,
  fresh,  // others, computed from the old ones and the new name: the same at every run
};

// What kind of Xen guest it becomes; one that is of that kind stays as it is.
enum class XenType {
  keep,
  pvh,  // a PV guest goes on without a PV kernel's privileges, and still without an emulator
  hvm,  // a PV or PVH guest gets a PC with a BIOS, and a loader in its disk
};

const char* to_string(XenType type);  // keep, pvh, hvm
std::optional<XenType> xen_type_from(const std::string& text);

// Changes of the description before anything else looks at it.
struct Adjustments {
  std::optional<ByteCount> memory;
  std::optional<unsigned> vcpus;
  std::map<std::string, std::string> bridges;  // of the old host -> of the new one
  MacPolicy macs = MacPolicy::keep;
  XenType xen_type = XenType::keep;

  [[nodiscard]] bool empty() const {
    return !memory && !vcpus && bridges.empty() && macs == MacPolicy::keep &&
           xen_type == XenType::keep;
  }
  bool operator==(const Adjustments&) const = default;
};

enum class HookPoint {
  begin,          // before the source is looked at: to shut the guest down
  before_copy,    // after the trial
  before_define,  // the disks are compared, the description is written
  end,            // all is done
  failed,         // it was taken back
};
const char* to_string(HookPoint point);  // before-copy
std::optional<HookPoint> hook_point_from(const std::string& text);

// What a hook's failure means for the job.
enum class HookFailure { stop, go_on };

// A program of the site's.
struct Hook {
  HookPoint when = HookPoint::end;
  std::vector<std::string> argv;
  unsigned limit_seconds = 60;
  HookFailure on_failure = HookFailure::stop;

  bool operator==(const Hook&) const = default;
};

}  // namespace vmconvert::model
