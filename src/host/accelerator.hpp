// Whether KVM can be trusted here. On some hosts /dev/kvm is there and real kernels hang under it,
// so a kernel is booted once, and the verdict is remembered until the host reboots.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>

#include "base/subprocess.hpp"

namespace vmconvert::host {

enum class AcceleratorKind { kvm, tcg };
const char* to_string(AcceleratorKind kind);

struct Accelerator {
  AcceleratorKind kind = AcceleratorKind::tcg;
  std::string reason;  // "a test kernel booted under KVM in 0.9 s", "/dev/kvm is not there"
};

// Where to look; tests point it elsewhere.
struct AcceleratorProbe {
  std::filesystem::path device = "/dev/kvm";
  std::filesystem::path kernels = "/boot";
  std::filesystem::path boot_id = "/proc/sys/kernel/random/boot_id";
  std::chrono::milliseconds limit = std::chrono::seconds(15);
};

// Warns, once for each boot of the host, when KVM is there and cannot be used. A state folder that
// cannot be written only means that nothing is remembered.
Accelerator find_accelerator(const std::filesystem::path& state_dir, CommandRunner& commands,
                             const AcceleratorProbe& probe = {});

// Overrides the verdict until the host reboots: the probe passed, and something larger hung.
void remember_accelerator(const std::filesystem::path& state_dir, const Accelerator& verdict,
                          CommandRunner& commands, const AcceleratorProbe& probe = {});

// The kernel with the highest version among FOLDER/vmlinuz-* that we may read; empty: none.
std::filesystem::path newest_kernel(const std::filesystem::path& folder);

}  // namespace vmconvert::host
