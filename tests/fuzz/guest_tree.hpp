// A guest as one text, for what reads or patches whole trees:
//
//   == /etc/fstab
//   /dev/xvda1 / ext4 defaults 0 1
//   == /etc/mtab -> /proc/mounts
//   == options
//   xen clone readdress
//
// A line "== PATH" begins a file, which lasts until the next such line; with " -> TARGET" it is a
// link. "options": which hypervisor the guest goes to, which wishes the operator has. Everything
// stays in memory; nothing is run.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "fuzz.hpp"
#include "guest/guest_root.hpp"
#include "guest/staged_root.hpp"
#include "model/domain.hpp"
#include "model/guest_facts.hpp"
#include "model/layout.hpp"
#include "model/plan.hpp"
#include "model/wishes.hpp"

namespace vmconvert::fuzz {

class GuestTree {
 public:
  explicit GuestTree(Input input);

  guest::StagedRoot& root() { return *m_root; }
  model::Domain domain;     // a PV guest with two volumes as its disks
  model::Layout layout;     // of them one disk: vda1 swap, vda2 root
  model::GuestFacts facts;  // what the tree itself says is read into it
  model::TargetHypervisor to = model::TargetHypervisor::kvm;
  model::Wishes wishes;

 private:
  void add(const std::string& heading, const std::string& content);
  void read_options(const std::string& text);

  std::unique_ptr<guest::GuestRoot> m_nothing;
  std::unique_ptr<guest::StagedRoot> m_root;
};

// Runs these fixers over the tree, each by itself.
void run_fixers(Input input, const std::vector<std::string>& names);

}  // namespace vmconvert::fuzz
