// The guest's /etc/fstab, read only: who mounts what where.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace vmconvert::guest {

struct FstabEntry {
  std::string device;      // as written, without quotes: /dev/xvda1, UUID=..., proc
  std::string mountpoint;  // octal escapes undone; "none" or "swap" for swap
  std::string type;
  std::vector<std::string> options;
  unsigned line = 0;  // counted from 1

  [[nodiscard]] bool has_option(std::string_view option) const;
  // "subvol" of "subvol=@"; empty when the option is not there.
  [[nodiscard]] std::string option_value(std::string_view name) const;
  [[nodiscard]] bool is_swap() const { return type == "swap"; }
  // It names a disk, a partition or a volume of this machine: no pseudo, network or bind mount.
  [[nodiscard]] bool is_local_device() const;
};

// Lines that are no entry are left out.
std::vector<FstabEntry> read_fstab(std::string_view text);

}  // namespace vmconvert::guest
