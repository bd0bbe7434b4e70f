// What was set up for Xen and is noise or harm on KVM.
#pragma once

#include <string>
#include <string_view>
#include <vmconvert/fixer_text.hpp>

namespace vmconvert::fixer::leftovers {

bool is_xen_module(std::string_view name);     // xen-blkfront, xennet, evtchn...
bool is_virtio_module(std::string_view name);  // those that carry the disk and the network

// The words of a shell variable's list (" xenblk ext3 ") that `keeps` accepts, with the blanks
// around the list, which dracut insists on; the value as it was if that is all of them.
template <class Keeps>
std::string kept_words(std::string_view value, Keeps&& keeps) {
  std::string kept;
  bool all = true;
  for (const std::string_view word : words_of(value)) {
    if (!keeps(word)) {
      all = false;
      continue;
    }
    kept += (kept.empty() ? "" : " ") + std::string(word);
  }
  if (all) {
    return std::string(value);
  }
  const bool before = is_blank(value.front());
  const bool after = is_blank(value.back());
  return (before ? " " : "") + kept + (after ? " " : "");
}

void fix_module_lists(Host& guest);    // modules, modules-load.d, initramfs-tools
void fix_modprobe(Host& guest);        // aliases and blacklists
void fix_suse_kernel(Host& guest);     // /etc/sysconfig/kernel
void fix_default_kernel(Host& guest);  // Red Hat's DEFAULTKERNEL
void fix_openrc_modules(Host& guest);
void fix_dracut(Host& guest);
void fix_services(Host& guest);
void fix_mounts_and_sysctl(Host& guest);

}  // namespace vmconvert::fixer::leftovers
