// Would this guest boot? Each link of the chain from the boot sector to init is looked at in the
// patched guest; a chain without a hole is what "converted" means when no boot was tried.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "guest/guest_root.hpp"
#include "model/domain.hpp"
#include "model/finding.hpp"
#include "model/guest_facts.hpp"
#include "model/hardware.hpp"
#include "model/layout.hpp"
#include "model/plan.hpp"

namespace vmconvert::guest {

struct BootLink {
  std::string name;  // boot sector, loader core, loader files, menu, kernel, modules, initramfs,
                     // root, fstab, init
  bool ok = false;
  std::string what;    // the evidence, or what is missing
  std::string remedy;  // for a link that is not ok
};

struct BootPath {
  std::vector<BootLink> links;  // in the order of booting
  std::string kernel;           // that would be started; empty: none was found
  std::string version;          // of it; may be empty

  // Every link was found.
  [[nodiscard]] bool complete() const;
  // One that blocks, "boot-path-broken", for each link that was not found.
  [[nodiscard]] model::Findings findings() const;
};

// `guest` is the guest as it will boot, after all edits; names in `layout` are the target's, those
// in the guest are as it will see them on `hardware`. A Xen guest's `host_kernel` is started by its
// host: then no menu is read.
BootPath walk_boot_path(GuestRoot& guest, const model::GuestFacts& facts,
                        const model::Layout& layout, model::TargetHypervisor to,
                        const model::Hardware& hardware = {},
                        const std::optional<model::DirectBoot>& host_kernel = {});

}  // namespace vmconvert::guest
