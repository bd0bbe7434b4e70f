// A btrfs on several devices, as opposed to copies of one: all of these have one UUID.
// fs/btrfs/ctree.h of the kernel, struct btrfs_super_block.
#pragma once

#include <string>
#include <vector>

#include "guest/guest_root.hpp"
#include "model/guest_facts.hpp"

namespace vmconvert::guest {

// Whether the devices with that UUID are those of one filesystem, each once. Of copies of one
// device, each says that it is the same one.
bool is_one_btrfs(GuestRoot& guest, const std::vector<model::Filesystem>& filesystems,
                  const std::string& uuid);

}  // namespace vmconvert::guest
