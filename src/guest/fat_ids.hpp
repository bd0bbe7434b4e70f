// The volume ID of a FAT filesystem, which stands for its UUID: "1A2B-3C4D". No tool that runs in
// the appliance sets it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "guest/guest_root.hpp"

namespace vmconvert::guest {

// Nothing where the first sector is no FAT's, or has none.
std::optional<std::string> read_fat_id(GuestRoot& guest, const std::string& device);

// In the boot sector and, with FAT32, its copy. False where it is not `from`. Error from the disk.
bool set_fat_id(GuestRoot& guest, const std::string& device, std::string_view from,
                std::string_view to);

}  // namespace vmconvert::guest
