// The parts of the initramfs fixer.
#pragma once

#include <set>
#include <string>
#include <vector>
#include <vmconvert/fixer_ids.hpp>
#include <vmconvert/fixer_uefi.hpp>

namespace vmconvert::fixer::initramfs {

// needs.cpp. A driver goes by several names over the years; any one of them will do.
struct Need {
  std::vector<std::string> names;    // as module files have them, with '_': "ext4", "ext3"
  std::vector<std::string> options;  // of the kernel configuration: "CONFIG_EXT4_FS"
};
std::vector<Need> disk_needs(const Facts& facts);  // without these there is no disk
std::vector<Need> root_needs(const Facts& facts);  // without these the root cannot be mounted

// drivers.cpp. What one kernel has, and where.
class Drivers {
 public:
  Drivers(Host& guest, const std::string& version);

  [[nodiscard]] bool built_in(const Need& need) const;
  // The name of a module file that fills the need; empty if there is none.
  [[nodiscard]] std::string module_for(const Need& need) const;

 private:
  std::set<std::string> m_builtin;
  std::set<std::string> m_modules;
  std::string m_config;
};

// Module names among paths: "lib/x/virtio-blk.ko.xz" -> "virtio_blk".
std::set<std::string> module_names(const std::vector<std::string>& paths);
bool fills(const std::set<std::string>& modules, const Need& need);

std::vector<std::string> all_modules(const Facts& facts, const Drivers& drivers);

// configuration.cpp. Makes the guest's own tool put these modules into this image and all later
// ones.
void configure(Host& guest, InitrdTool tool, const std::vector<std::string>& modules);

// rebuild.cpp. Asks for a run of the tool, after all edits are in place. `what_for`: "with the
// target's drivers".
void rebuild_later(Host& guest, InitrdTool tool, const BootKernel& kernel,
                   const std::vector<std::string>& modules, const std::string& what_for);

// unified.cpp. A unified kernel image, whose initrd is a part of it: the words that build it anew
// with the arguments that it has; none if it cannot be.
struct UnifiedBuild {
  std::vector<std::string> words;
  bool is_signed = false;
};
UnifiedBuild unified_build(Host& guest, InitrdTool tool, const BootKernel& kernel);
// The same where drivers are missing: no words after a finding.
std::vector<std::string> unified_words(Host& guest, InitrdTool tool, const BootKernel& kernel,
                                       const std::string& lacks);
// All unified images of kernels of that version: one that was copied to where the firmware looks
// must not leave behind another that boots no more.
std::vector<std::string> unified_of_version(Host& guest, const std::string& version);

// old_ids.cpp. Images that name storage by an id that is no more are built anew; those in `rebuilt`
// are already.
void renew_images(Host& guest, const NewIds& ids, const std::vector<std::string>& rebuilt);

// SUSE's mkinitrd takes its modules from /etc/sysconfig/kernel, Red Hat's from its words.
bool is_suse_mkinitrd(Host& guest);

}  // namespace vmconvert::fixer::initramfs
