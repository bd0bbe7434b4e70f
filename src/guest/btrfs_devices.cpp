#include "guest/btrfs_devices.hpp"

#include <optional>
#include <set>

#include "base/text.hpp"
#include "base/units.hpp"
#include "guest/raw_bytes.hpp"

namespace vmconvert::guest {
namespace {

struct PlaceInBtrfs {
  std::uint64_t devices = 0;  // of the filesystem
  std::uint64_t number = 0;   // of this one among them
};

std::optional<PlaceInBtrfs> place_in_btrfs(GuestRoot& guest, const std::string& device) {
  constexpr std::uint64_t k_superblock = 64 * k_kib;
  const std::string block = guest.read_disk(device, k_superblock, 4096);
  if (block.compare(0x40, 8, "_BHRfS_M") != 0) {
    return std::nullopt;
  }
  return PlaceInBtrfs{number_at(block, 0x88, 8), number_at(block, 0xc9, 8)};
}

}  // namespace

bool is_one_btrfs(GuestRoot& guest, const std::vector<model::Filesystem>& filesystems,
                  const std::string& uuid) {
  std::set<std::uint64_t> seen;
  std::uint64_t wanted = 0;
  for (const model::Filesystem& fs : filesystems) {
    if (fs.type == "btrfs" && lower_case(fs.uuid) == lower_case(uuid)) {
      const auto place = place_in_btrfs(guest, fs.device);
      if (!place || !seen.insert(place->number).second) {
        return false;
      }
      wanted = place->devices;
    }
  }
  return seen.size() == wanted;
}

}  // namespace vmconvert::guest
