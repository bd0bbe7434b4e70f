// Names of guest disks, taken apart: "xvda3" is prefix xvd, letters a, partition 3.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace vmconvert::plan {

struct DeviceName {
  std::string prefix;      // xvd, sd, hd, vd
  std::string letters;     // a, b, ..., aa
  unsigned partition = 0;  // 0: the whole disk

  [[nodiscard]] std::string disk() const { return prefix + letters; }
};

// Nothing for a name that is no such disk (fda, "", xvda01).
std::optional<DeviceName> parse_device_name(std::string_view name);

// a, b, ..., z, aa: the kernel's counting. True if `a` comes before `b`.
bool letters_before(std::string_view a, std::string_view b);
// 0 -> vda, 25 -> vdz, 26 -> vdaa.
std::string target_disk_name(std::size_t position);

}  // namespace vmconvert::plan
