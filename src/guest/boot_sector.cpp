#include "guest/boot_sector.hpp"

#include "base/units.hpp"

namespace vmconvert::guest {
namespace {

std::uint64_t little_endian(std::string_view bytes, std::size_t at, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = size; i-- > 0;) {
    value = value << 8U | static_cast<unsigned char>(bytes[at + i]);
  }
  return value;
}

}  // namespace

bool has_boot_signature(std::string_view sector) {
  return sector.size() >= k_sector_size && sector.substr(510, 2) == "\x55\xaa";
}

std::string boot_sector_loader(std::string_view sector) {
  if (sector.size() < k_sector_size) {
    return "none";
  }
  const std::string_view code = sector.substr(0, 440);
  if (code.find_first_not_of('\0') == std::string_view::npos || !has_boot_signature(sector)) {
    return "none";
  }
  if (code.find("GRUB") == std::string_view::npos) {
    return "unknown";
  }
  // stage1 of GRUB legacy holds its stages' version, 3.2, behind the BIOS parameter block.
  const bool stage1 = sector.substr(0, 2) == "\xeb\x48" && sector.substr(0x3e, 2) == "\x03\x02";
  return stage1 ? "grub-legacy" : "grub2";
}

std::uint64_t grub2_core_sector(std::string_view boot_sector) {
  return boot_sector.size() < k_sector_size ? 0 : little_endian(boot_sector, 0x5c, 8);
}

std::optional<LoaderBlock> grub2_core_rest(std::string_view first_core_sector) {
  if (first_core_sector.size() < k_sector_size) {
    return std::nullopt;
  }
  // The list of blocks grows downwards from the sector's end; each has 12 bytes.
  constexpr std::size_t k_first_block = k_sector_size - 12;
  constexpr std::uint16_t k_load_segment = 0x820;
  LoaderBlock block;
  block.sector = little_endian(first_core_sector, k_first_block, 8);
  block.count = static_cast<std::uint32_t>(little_endian(first_core_sector, k_first_block + 8, 2));
  const std::uint64_t segment = little_endian(first_core_sector, k_first_block + 10, 2);
  if (block.sector == 0 || block.count == 0 || segment != k_load_segment) {
    return std::nullopt;
  }
  return block;
}

std::uint32_t grub_legacy_next_sector(std::string_view boot_sector) {
  return boot_sector.size() < k_sector_size
             ? 0
             : static_cast<std::uint32_t>(little_endian(boot_sector, 0x44, 4));
}

std::string grub_legacy_stage2_path(std::string_view stage) {
  // The second sector: version at 6, then numbers, the version as text at 18, the path behind it.
  constexpr std::size_t k_header = k_sector_size;
  if (stage.size() < k_header + 128 || stage.substr(k_header + 6, 2) != "\x03\x02") {
    return {};
  }
  const std::string_view texts = stage.substr(k_header + 18, 110);
  const auto version_end = texts.find('\0');
  if (version_end == std::string_view::npos) {
    return {};
  }
  std::string_view path = texts.substr(version_end + 1);
  // In stage1.5, four bytes of device stand before the path.
  const auto slash = path.find('/');
  if (slash == std::string_view::npos || slash > 8) {
    return {};
  }
  path = path.substr(slash);
  return std::string(path.substr(0, path.find('\0')));
}

}  // namespace vmconvert::guest
