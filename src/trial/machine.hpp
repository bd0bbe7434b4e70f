// The throwaway machine of a trial: QEMU's words for it.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/units.hpp"
#include "host/accelerator.hpp"
#include "model/domain.hpp"
#include "model/hardware.hpp"

namespace vmconvert::trial {

struct TrialDisk {
  std::string name;            // vda; of an IDE disk its place: hda
  std::filesystem::path path;  // of the patched overlay; only read
  model::DiskFormat format = model::DiskFormat::qcow2;
};

struct TrialRequest {
  std::vector<TrialDisk> disks = {};   // in boot order
  ByteCount memory = {};               // kept between 256 MiB and 2 GiB
  unsigned vcpus = 1;                  // at most 2
  std::string arch = "x86_64";         // or i686
  std::vector<std::string> macs = {};  // one a network card; an empty one is QEMU's choice
  model::Hardware hardware = {};
  std::string machine = "pc";
  bool uefi = false;
  host::AcceleratorKind accelerator = host::AcceleratorKind::tcg;
  std::optional<std::chrono::seconds> limit = {};  // 300 s with KVM, 600 s without
  std::filesystem::path work_folder = {};          // a private folder is made in it, and removed
  std::filesystem::path console_log = {};          // kept; empty: none
};

// Where the machine's parts are, all in the private folder.
struct MachineFiles {
  std::vector<std::filesystem::path> overlays;  // qcow2, one a disk
  std::filesystem::path console;                // a FIFO
  std::filesystem::path firmware_code = {};     // UEFI only
  std::filesystem::path firmware_vars = {};
};

enum class Sandbox { on, off };

std::vector<std::string> machine_words(const TrialRequest& request, const MachineFiles& files,
                                       Sandbox sandbox);

std::chrono::seconds time_limit(const TrialRequest& request);

}  // namespace vmconvert::trial
