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
constexpr auto k_options = std::to_array<ConfigOption>({
    {"CONFIG_VIRTIO_BLK=y", "virtio_blk"},
    {"CONFIG_VIRTIO_PCI=y", "virtio_pci"},
    {"CONFIG_XEN_BLKDEV_FRONTEND=y", "xen_blkfront"},
    {"CONFIG_EXT2_FS=y", "ext2"},
    {"CONFIG_EXT3_FS=y", "ext3"},
    {"CONFIG_EXT4_FS=y", "ext4"},
    {"CONFIG_XFS_FS=y", "xfs"},
    {"CONFIG_BTRFS_FS=y", "btrfs"},
    {"CONFIG_JFS_FS=y", "jfs"},
    {"CONFIG_BLK_DEV_DM=y", "dm_mod"},
    {"CONFIG_VIRTIO_NET=y", "virtio_net"},
    {"CONFIG_ATA_PIIX=y", "ata_piix"},
    {"CONFIG_BLK_DEV_SD=y", "sd_mod"},
    {"CONFIG_BLK_DEV_PIIX=y", "piix"},
    {"CONFIG_BLK_DEV_IDEDISK=y", "ide_disk"},
    {"CONFIG_IDE_GD=y", "ide_gd_mod"},
    {"CONFIG_E1000=y", "e1000"},
    {"CONFIG_8139CP=y", "8139cp"},
    {"CONFIG_8139TOO=y", "8139too"},
    {"CONFIG_REISERFS_FS=y", "reiserfs"},
});

// "kernel/drivers/block/virtio_blk.ko.xz" -> "virtio_blk"; empty for what is no module.
std::string module_name(std::string_view path) {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  const std::size_t dot = name.find(".ko");
  return dot == std::string_view::npos ? std::string() : with_underscores(name.substr(0, dot));
}

constexpr std::uint64_t k_list_limit = 32U << 20U;

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
    for (const std::string& line : lines(*list)) {
      drivers.names.insert(module_name(line));
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

bool KernelDrivers::has(std::string_view driver) const {
  return built_in.has(driver) || modules.contains(with_underscores(driver));
}

KernelDrivers read_kernel_drivers(GuestRoot& guest, const std::string& version) {
  KernelDrivers drivers{read_built_in_drivers(guest, version), {}};
  const std::string list = "/lib/modules/" + version + "/modules.dep";
  if (guest.is_file(list)) {
    // "kernel/fs/ext4/ext4.ko: kernel/lib/crc16.ko": the part before the colon counts.
    for (const std::string& line : lines(guest.read(list, k_list_limit))) {
      if (std::string name = module_name(line.substr(0, line.find(':'))); !name.empty()) {
        drivers.modules.insert(std::move(name));
      }
    }
  }
  return drivers;
}

}  // namespace vmconvert::guest
