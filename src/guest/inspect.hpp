// What is inside a guest: filesystems, the one that is its root, and what the tree tells.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "guest/guest_root.hpp"
#include "model/guest_facts.hpp"
#include "model/layout.hpp"

namespace vmconvert::guest {

// Which of several roots is meant.
struct RootHint {
  std::string root_device;  // what root= in the boot arguments says: /dev/xvda2, UUID=...
  std::string chosen;       // the operator's --root; wins, and may say xvda2, vda2, vg/lv
};

// Fills os_name, distribution, arch, init, hostname, kernels, menu and identities from the mounted
// guest; facts.loader must be known. Where the tree says nothing, the member stays empty.
void read_tree_facts(GuestRoot& guest, model::GuestFacts& facts);

// Newest first. Modules without an image and images without modules are there, too.
std::vector<model::Kernel> read_kernels(GuestRoot& guest);
// As people order versions: 4.9.0-12 before 4.19.0-3. Negative: a is older.
int compare_versions(std::string_view a, std::string_view b);

// The loader configuration that boots the guest today. With a loader in the boot sector it is that
// loader's ("grub2", "grub-legacy", "extlinux", "unknown"); without one ("none"), the file that
// pygrub takes: GRUB's, then extlinux's. Empty when there is none.
std::string find_menu(GuestRoot& guest, std::string_view loader);

// x86_64, i386...; empty if this is no ELF file.
std::string elf_arch(std::string_view content);

}  // namespace vmconvert::guest
