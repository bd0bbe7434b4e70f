// The parts of the host-kernel fixer.
#pragma once

#include <string>
#include <vmconvert/fixer_uefi.hpp>

namespace vmconvert::fixer::host_kernel {

// A kernel and initrd that the Xen host kept in files of its own; initrd may be empty.
struct HostKernel {
  std::string path;
  std::string version;
  std::string image;
  std::string initrd;
};

// Reads both files and judges the kernel. A file that cannot be read or used becomes a finding, and
// nothing is returned.
std::optional<HostKernel> read_host_kernel(Host& guest);

// Stages /boot/vmlinuz-VERSION and its initrd; says what is missing around them.
void bring_in(Host& guest, const HostKernel& kernel);

}  // namespace vmconvert::fixer::host_kernel
