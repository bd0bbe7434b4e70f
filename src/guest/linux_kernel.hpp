// What can be known about a Linux kernel without running it.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "guest/guest_root.hpp"

namespace vmconvert::guest {

struct KernelHeader {
  std::string version;  // "6.1.0-56-amd64"; empty when the header does not say
};

// Of an image that a PC's loader can start (bzImage); nothing for others, such as the kernels that
// only Xen can start.
std::optional<KernelHeader> read_kernel_header(std::string_view image);

// Drivers that need no module.
struct BuiltInDrivers {
  std::set<std::string> names;  // with _ for -

  [[nodiscard]] bool has(std::string_view driver) const;
};

// From modules.builtin, or from /boot/config-VERSION for kernels before 2.6.33.
BuiltInDrivers read_built_in_drivers(GuestRoot& guest, const std::string& version);

// All that a kernel can drive, with a module or without.
struct KernelDrivers {
  BuiltInDrivers built_in;
  std::set<std::string> modules;  // with _ for -

  [[nodiscard]] bool has(std::string_view driver) const;
  // Nothing tells where neither a list nor a configuration of it is in the guest.
  [[nodiscard]] bool known() const { return !built_in.names.empty() || !modules.empty(); }
};

// Modules by modules.dep.
KernelDrivers read_kernel_drivers(GuestRoot& guest, const std::string& version);

}  // namespace vmconvert::guest
