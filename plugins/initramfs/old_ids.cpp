// With --new-uuids: the storage has other ids from now on, and an image that was built before names
// the old ones: as resume device, in host-only images as root, too.
#include "initramfs.hpp"

namespace vmconvert::fixer::initramfs {
namespace {

constexpr std::size_t k_most_images = 5;  // each takes a minute or more under emulation

}  // namespace

void renew_images(Host& guest, const NewIds& ids, const std::string& rebuilt) {
  if (ids.images.empty()) {
    return;
  }
  const InitrdTool tool = initrd_tool(guest);
  std::size_t count = 0;
  for (const BootKernel& kernel : all_boot_kernels(guest)) {
    if (is_unified(kernel) || kernel.initrd.empty() || kernel.initrd == rebuilt ||
        std::find(ids.images.begin(), ids.images.end(), kernel.initrd) == ids.images.end()) {
      continue;
    }
    if (tool == InitrdTool::none || ++count > k_most_images) {
      guest.finding("uuid-in-initramfs", VMCONVERT_WARNS,
                    kernel.initrd + " names an old UUID, and is not built anew: " +
                        (tool == InitrdTool::none ? "the guest has no tool for that"
                                                  : "the guest has too many kernels"),
                    "Build it anew in the copy before you boot that kernel.");
      continue;
    }
    // It is built in the appliance, whose hardware is another one.
    const std::vector<std::string> modules =
        all_modules(guest.facts(), Drivers(guest, kernel.version));
    configure(guest, tool, modules);
    rebuild_later(guest, tool, kernel, modules, "with the new UUIDs");
  }
}

}  // namespace vmconvert::fixer::initramfs
