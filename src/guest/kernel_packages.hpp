// Packages that the operator supplies, above all a kernel for a guest that has none which runs
// without Xen: installed by the guest's own rpm or dpkg, before anything looks at its kernels.
#pragma once

#include <string>
#include <vector>

#include "guest/guest_root.hpp"
#include "model/edit.hpp"
#include "model/finding.hpp"

namespace vmconvert::guest {

// What is wrong with these files of this host, before anything is begun: "kernel-package" for each
// that is no package, and for a mixture of kinds.
model::Findings check_kernel_packages(const std::vector<std::string>& files);

struct InstalledPackages {
  model::Edits edits;
  model::Findings findings;  // "kernel-package": what the guest's tool said against it
};

// All with one call of the tool, as they may need each other. Those that are installed already are
// no fault. A guest with SELinux is told to label its files anew when it starts.
InstalledPackages install_kernel_packages(GuestRoot& guest, const std::vector<std::string>& files);

}  // namespace vmconvert::guest
