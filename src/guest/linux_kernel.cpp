#include "guest/linux_kernel.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace vmconvert::guest {
namespace {

std::string with_underscores(std::string_view name) {
  std::string result(name);
  std::replace(result.begin(), result.end(), '-', '_');
  return result;
}

struct ConfigOption {
  const char* option;
  const char* driver;
};
constexpr std::array<ConfigOption, 11> k_options = {{
    {"CONFIG_VIRTIO_BLK=y", "virtio_blk"},
    {"CONFIG_VIRTIO_PCI=y", "virtio_pci"},
    {"CONFIG_XEN_BLKDEV_FRONTEND=y", "xen_blkfront"},
    {"CONFIG_EXT2_FS=y", "ext2"},
    {"CONFIG_EXT3_FS=y", "ext3"},
    {"CONFIG_EXT4_FS=y", "ext4"},
    {"CONFIG_XFS_FS=y", "xfs"},
    {"CONFIG_BTRFS_FS=y", "btrfs"},
    {"CONFIG_REISERFS_FS=y", "reiserfs"},
    {"CONFIG_JFS_FS=y", "jfs"},
    {"CONFIG_BLK_DEV_DM=y", "dm_mod"},
}};

}  // namespace

std::optional<KernelHeader> read_kernel_header(std::string_view image) {
  constexpr std::size_t k_magic_at = 0x202;
  constexpr std::size_t k_version_at = 0x20e;
  constexpr std::size_t k_setup_start = 0x200;
  constexpr std::size_t k_longest = 256;
  if (image.size() < 0x400 || image.substr(0x1fe, 2) != "\x55\xaa" ||
      image.substr(k_magic_at, 4) != "HdrS") {
    return std::nullopt;
  }
  const std::size_t at =
      static_cast<unsigned char>(image[k_version_at]) |
      static_cast<std::size_t>(static_cast<unsigned char>(image[k_version_at + 1])) << 8U;
  KernelHeader header;
  if (at != 0 && at + k_setup_start < image.size()) {
    const std::string_view text = image.substr(at + k_setup_start, k_longest);
    header.version = text.substr(0, text.find_first_of(std::string_view(" \0", 2)));
  }
  return header;
}

bool BuiltInDrivers::has(std::string_view driver) const {
  return names.contains(with_underscores(driver));
}

BuiltInDrivers read_built_in_drivers(GuestRoot& guest, const std::string& version) {
  BuiltInDrivers drivers;
  if (const auto list = guest.read_if_there("/lib/modules/" + version + "/modules.builtin")) {
    // "kernel/drivers/block/virtio_blk.ko"
    for (const std::string& line : lines(*list)) {
      const std::string name = line.substr(line.rfind('/') + 1);
      drivers.names.insert(with_underscores(name.substr(0, name.find(".ko"))));
    }
  }
  if (const auto config = guest.read_if_there("/boot/config-" + version)) {
    for (const ConfigOption& option : k_options) {
      if (config->find(std::string("\n") + option.option + "\n") != std::string::npos) {
        drivers.names.insert(option.driver);
      }
    }
  }
  return drivers;
}

}  // namespace vmconvert::guest
