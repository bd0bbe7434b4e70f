// Reads the initramfs of the kernel that boots by default and sees to it that the target's disk and
// the root filesystem can be reached from it. It is rebuilt only if something is missing, with the
// guest's own tool, after the guest's own configuration says what to include.
#include <exception>

#include "initramfs.hpp"

namespace vmconvert::fixer::initramfs {
namespace {

constexpr std::size_t k_other_kernels = 4;  // reading an image takes a while

// The menu as it will be: what the bootloader fixer staged is seen here.
std::optional<BootKernel> default_kernel(Host& guest) {
  if (auto kernel = systemd_kernel(guest)) {
    return kernel;
  }
  const auto path = target_menu_path(guest);
  if (path) {
    const Menu menu = read_menu(guest, *path);
    const MenuEntry* entry = menu.chosen();
    if (auto kernel = entry == nullptr ? std::nullopt : kernel_of(guest, *entry)) {
      if (kernel->initrd.empty() && !entry->initrd.empty()) {
        kernel->initrd = initrd_to_be_made(guest, kernel->version);
      }
      return kernel;
    }
  }
  return kernel_instead_of(guest, {});
}

// Module names in an image; none if there is no image or it cannot be read.
std::set<std::string> modules_in(Host& guest, const std::string& initrd) {
  if (initrd.empty() || !guest.is_file(initrd)) {
    return {};
  }
  try {
    return module_names(guest.initramfs_list(initrd));
  } catch (const std::exception& error) {
    guest.finding("initramfs-unreadable", VMCONVERT_WARNS,
                  initrd + " cannot be read, so it counts as one without drivers: " + error.what(),
                  "Build it anew in the guest.");
    return {};
  }
}

struct Missing {
  std::vector<std::string> modules;  // to be put in
  std::vector<std::string> nowhere;  // neither in the kernel nor among its modules
};

Missing missing_in(Host& guest, const BootKernel& kernel, const Drivers& drivers) {
  const std::set<std::string> present = modules_in(guest, kernel.initrd);
  Missing missing;
  for (const Need& need : disk_needs(guest.facts())) {
    if (fills(present, need) || drivers.built_in(need)) {
      continue;
    }
    const std::string name = drivers.module_for(need);
    (name.empty() ? missing.nowhere : missing.modules)
        .push_back(name.empty() ? need.names[0] : name);
  }
  for (const Need& need : root_needs(guest.facts())) {
    const std::string name = drivers.module_for(need);
    if (!name.empty() && !fills(present, need) && !drivers.built_in(need)) {
      missing.modules.push_back(name);
    }
  }
  return missing;
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    text += (text.empty() ? "" : ", ") + name;
  }
  return text;
}

void report_other_kernels(Host& guest, const BootKernel& chosen) {
  std::size_t looked_at = 0;
  std::set<std::string> seen = {chosen.initrd};
  for (const BootKernel& kernel : all_boot_kernels(guest)) {
    const bool same_image =
        is_unified(chosen) ? kernel.version == chosen.version : kernel.image == chosen.image;
    if (same_image || kernel.initrd.empty() || !seen.insert(kernel.initrd).second) {
      continue;
    }
    if (++looked_at > k_other_kernels) {
      break;
    }
    const Missing missing = missing_in(guest, kernel, Drivers(guest, kernel.version));
    if (!missing.modules.empty() || !missing.nowhere.empty()) {
      guest.finding("initramfs-other-kernel", VMCONVERT_INFORMS,
                    "The initramfs of " + kernel.version + " (" + kernel.initrd +
                        "), which does not boot by default, lacks the target's drivers",
                    "Build it anew in the guest before you boot that kernel.");
    }
  }
}

std::vector<std::string> mend_unified(Host& guest, const BootKernel& kernel, InitrdTool tool,
                                      const std::vector<std::string>& modules,
                                      const std::string& lacks) {
  std::vector<std::vector<std::string>> runs;
  const std::vector<std::string> images = unified_of_version(guest, kernel.version);
  for (const std::string& path : images) {
    runs.push_back(unified_words(guest, tool, {kernel.version, path, path}, lacks));
    if (runs.back().empty()) {
      return {};
    }
  }
  configure(guest, tool, modules);
  for (const std::vector<std::string>& words : runs) {
    guest.run_later(words,
                    "build the unified image of " + kernel.version + " with the target's drivers");
  }
  return images;
}

// The images that are built anew.
std::vector<std::string> mend(Host& guest, const BootKernel& kernel, const Missing& missing,
                              const Drivers& drivers) {
  const bool kvm = guest.facts().to == "kvm";
  if (!missing.nowhere.empty()) {
    guest.finding(kvm ? "no-virtio" : "no-xen-driver", VMCONVERT_BLOCKS,
                  "Kernel " + kernel.version + " has no " + joined(missing.nowhere) +
                      ": not in its initramfs, not built in, not in /lib/modules/" + kernel.version,
                  std::string("Install a kernel package with these drivers in the guest, then "
                              "convert again") +
                      (kvm ? "; or keep the guest on Xen: --to xen."
                       : guest.facts().boots_disk
                           ? " (Linux 2.6.37 or newer); or leave type = \"hvm\" out: it stays PV."
                           : "."));
    return {};
  }
  const InitrdTool tool = initrd_tool(guest);
  if (is_unified(kernel)) {
    return mend_unified(guest, kernel, tool, all_modules(guest.facts(), drivers),
                        joined(missing.modules));
  }
  if (tool == InitrdTool::none || kernel.initrd.empty()) {
    guest.finding("no-initramfs-tool", VMCONVERT_BLOCKS,
                  "Kernel " + kernel.version + " needs " + joined(missing.modules) +
                      " in an initramfs, " +
                      (kernel.initrd.empty() ? "but it boots without one"
                                             : "and the guest has no tool that builds one"),
                  "Install the distribution's tool (initramfs-tools, dracut, mkinitrd, mkinitcpio, "
                  "mkinitfs) in the guest and build an initramfs "
                  "for this kernel.");
    return {};
  }
  const std::vector<std::string> modules = all_modules(guest.facts(), drivers);
  configure(guest, tool, modules);
  rebuild_later(guest, tool, kernel, modules, "with the target's drivers");
  return {kernel.initrd};
}

void fix(Host& guest, const NewIds& ids) {
  const auto kernel = default_kernel(guest);
  if (!kernel) {
    return;  // host-kernel says so where it matters
  }
  const Drivers drivers(guest, kernel->version);
  const Missing missing = missing_in(guest, *kernel, drivers);
  const bool lacks = !missing.modules.empty() || !missing.nowhere.empty();
  const std::vector<std::string> rebuilt =
      lacks ? mend(guest, *kernel, missing, drivers) : std::vector<std::string>();
  report_other_kernels(guest, *kernel);
  renew_images(guest, ids, rebuilt);
}

}  // namespace
}  // namespace vmconvert::fixer::initramfs

VMCONVERT_FIXER_WITH_IDS("initramfs", "gives the initramfs the target's disk drivers", 900,
                         vmconvert::fixer::initramfs::fix)
