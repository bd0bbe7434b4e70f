// A row as a guest: its tree in a folder, its disks as sparse files, and what the program does with
// it: inspect, run all fixers, apply, run the guest's programs, walk the boot path.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/temp_dir.hpp"
#include "guest/boot_path.hpp"
#include "guest/fixer_host.hpp"
#include "guest/folder_root.hpp"
#include "trees/row.hpp"

namespace vmconvert::trees {

struct Outcome {
  model::GuestFacts guest;  // before the edits
  model::Findings findings;
  model::Edits edits;
  std::vector<guest::DeferredRun> runs;
  guest::BootPath boot_path;  // empty when a finding blocks: then nothing was applied
};

class Machine {
 public:
  explicit Machine(const Row& row);

  // One conversion of what is there now. With `loader`, the first disk has it in its boot sector.
  Outcome convert();
  // From now on as the finished guest is: the loader that was installed is found in the disk.
  void see_installed_loader();
  [[nodiscard]] std::string folder() const { return m_temp.path().string(); }

 private:
  void make_disks(const Row& row);
  void make_files(const Row& row);
  void make_kernels(const Row& row);
  void make_unified_kernel(const Row& row, const RowFile& file);
  void install_loader(const RowDisk& row_disk, const model::TargetDisk& disk);
  model::GuestFacts inspect();
  [[nodiscard]] model::TargetHypervisor target() const;
  model::Hardware choose_hardware(Outcome& outcome);  // adds its findings
  [[nodiscard]] std::string target_name(const std::string& source) const;
  [[nodiscard]] std::filesystem::path disk_file(const std::string& name) const;

  TempDir m_temp;
  const Row& m_row;
  model::Domain m_domain;
  model::Layout m_layout;
  std::map<std::string, std::string> m_loaders;
  guest::FolderRoot::Disks m_disks;
};

}  // namespace vmconvert::trees
