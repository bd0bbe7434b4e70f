// Partitions that go by their type alone: systemd finds and mounts such by the Discoverable
// Partitions Specification (UAPI.2), with no line in fstab.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "guest/fstab.hpp"
#include "guest/guest_root.hpp"
#include "model/guest_facts.hpp"

namespace vmconvert::guest {

// Numbers of the partitions of that type, but for those that say to be left alone; none without a
// GPT.
std::vector<unsigned> partitions_of_type(GuestRoot& guest, const std::string& disk,
                                         std::uint64_t disk_size, std::string_view type);

struct MountByType {
  std::string device;      // vda1
  std::string mountpoint;  // /efi
};

// The disk that systemd looks at: the root's own, or the only one. Empty if there is none.
std::string disk_of_root(const std::string& root_device, const std::vector<std::string>& disks);

// What systemd-gpt-auto-generator(8) would mount: an extended boot loader partition at /boot, the
// EFI system partition at /efi or /boot, if that folder is empty and fstab has nothing for it.
// Root and fstab's filesystems are mounted, and the facts say where.
std::vector<MountByType> mounts_by_type(GuestRoot& guest, const model::GuestFacts& facts,
                                        const std::vector<FstabEntry>& fstab,
                                        const std::string& disk, std::uint64_t disk_size);

}  // namespace vmconvert::guest
