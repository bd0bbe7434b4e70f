// What a guest asks of a host's processors, machines and disks, and what the host has. Beside
// check_facts.hpp: few need it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace vmconvert::model {

// "processor 0 to 4-7", "memory to node 1": where the description binds the guest to. Printable.
struct CpuPinning {
  std::vector<std::string> pins;
  bool numa_cells = false;  // the guest is shown nodes of its own
};

// What a connection can run. Nothing where it does not say.
struct MachineOffer {
  std::vector<std::string> architectures;
  std::vector<std::string> machines;  // of the guest's architecture; empty: not told
  std::optional<bool> uefi = {};      // whether there is firmware for a machine of that kind
  std::optional<bool> pvh = {};       // whether Xen runs PVH guests of the guest's architecture
};

// By the x86-64 psABI: 1 (every 64-bit processor) to 4; 0: not known.
struct CpuLevel {
  unsigned level = 0;
  std::vector<std::string> missing;  // of the next one, as /proc/cpuinfo calls them
};

// What this host's kernel and disks themselves say of the disks below a source.
struct DiskHealth {
  std::string kernel_name;   // sda
  std::uint64_t errors = 0;  // in the kernel's log
  std::optional<std::uint64_t> first_sector = {};
  bool failing = false;  // by SMART's own word
};

}  // namespace vmconvert::model
