// The loaders that live outside any filesystem: sector 0 and what it loads.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace vmconvert::guest {

// "none", "grub2", "grub-legacy", "unknown"
std::string boot_sector_loader(std::string_view sector);
bool has_boot_signature(std::string_view sector);

// Where the rest of a loader is, in sectors.
struct LoaderBlock {
  std::uint64_t sector = 0;
  std::uint32_t count = 0;
};

// GRUB 2: the first sector of the core, as boot.img names it.
std::uint64_t grub2_core_sector(std::string_view boot_sector);
// GRUB 2: the rest of the core, from the end of its first sector; nothing if it cannot be right.
std::optional<LoaderBlock> grub2_core_rest(std::string_view first_core_sector);
// GRUB legacy: the sector that stage1 loads.
std::uint32_t grub_legacy_next_sector(std::string_view boot_sector);
// GRUB legacy: the path of stage2 in a stage1.5 that starts at `stage`; empty if it is none.
std::string grub_legacy_stage2_path(std::string_view stage);

}  // namespace vmconvert::guest
