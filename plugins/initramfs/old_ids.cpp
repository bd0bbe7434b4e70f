// With --new-uuids: the storage has other ids from now on, and an image that was built before names
// the old ones: as resume device, in host-only images as root, too.
#include "initramfs.hpp"

namespace vmconvert::fixer::initramfs {
namespace {

constexpr std::size_t k_most_images = 5;  // each takes a minute or more under emulation

bool is_in(const std::vector<std::string>& paths, const std::string& path) {
  return std::find(paths.begin(), paths.end(), path) != paths.end();
}

class Renewal {
 public:
  Renewal(Host& guest, const NewIds& ids, const std::vector<std::string>& rebuilt)
      : m_guest(guest), m_ids(ids), m_done(rebuilt), m_tool(initrd_tool(guest)) {}

  void all() {
    for (const BootKernel& kernel : all_boot_kernels(m_guest)) {
      if (!is_unified(kernel) && !kernel.initrd.empty() && is_in(m_ids.images, kernel.initrd)) {
        plain(kernel);
      }
    }
    for (const std::string& path : unified_kernels(m_guest)) {
      if (!is_in(m_ids.images, path)) {
        continue;
      }
      const std::string version = unified_version(m_guest.read(path, efi::k_largest_program));
      // A copy of it, where the firmware looks, was made after the old ids were looked for.
      for (const std::string& same : unified_of_version(m_guest, version)) {
        unified({version, same, same});
      }
    }
  }

 private:
  // False for one that was seen before.
  bool is_next(const BootKernel& kernel) {
    if (is_in(m_done, kernel.initrd)) {
      return false;
    }
    m_done.push_back(kernel.initrd);
    return true;
  }

  void plain(const BootKernel& kernel) {
    if (!is_next(kernel)) {
      return;
    }
    if (m_tool == InitrdTool::none || ++m_count > k_most_images) {
      stays(kernel, m_tool == InitrdTool::none ? "the guest has no tool for that"
                                               : "the guest has too many kernels");
      return;
    }
    rebuild_later(m_guest, m_tool, kernel, configured(kernel), "with the new UUIDs");
  }

  void unified(const BootKernel& kernel) {
    if (!is_next(kernel)) {
      return;
    }
    const UnifiedBuild build = unified_build(m_guest, m_tool, kernel);
    if (build.words.empty() || ++m_count > k_most_images) {
      stays(kernel, build.is_signed       ? "it is signed, and would not be any more"
                    : build.words.empty() ? "the guest has no tool that is known to build such an "
                                            "image, or not all that it needs"
                                          : "the guest has too many kernels");
      return;
    }
    configured(kernel);
    m_guest.run_later(build.words,
                      "build the unified image of " + kernel.version + " with the new UUIDs");
  }

  // It is built in the appliance, whose hardware is another one.
  std::vector<std::string> configured(const BootKernel& kernel) {
    std::vector<std::string> modules =
        all_modules(m_guest.facts(), Drivers(m_guest, kernel.version));
    configure(m_guest, m_tool, modules);
    return modules;
  }

  void stays(const BootKernel& kernel, const std::string& why) {
    m_guest.finding("uuid-in-initramfs", VMCONVERT_WARNS,
                    kernel.initrd + " names an old UUID, and is not built anew: " + why,
                    "Build it anew in the copy before you boot that kernel.");
  }

  Host& m_guest;
  const NewIds& m_ids;
  std::vector<std::string> m_done;
  InitrdTool m_tool;
  std::size_t m_count = 0;
};

}  // namespace

void renew_images(Host& guest, const NewIds& ids, const std::vector<std::string>& rebuilt) {
  if (!ids.images.empty()) {
    Renewal(guest, ids, rebuilt).all();
  }
}

}  // namespace vmconvert::fixer::initramfs
