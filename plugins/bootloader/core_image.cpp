// GRUB 2 without grub-install: boot.img's code into the first sector, a core image into the gap
// before the first partition (MBR) or into the BIOS boot partition (GPT). The places of both are in
// README.md.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "bootloader.hpp"

namespace vmconvert::fixer::bootloader {
namespace {

constexpr std::size_t k_sector = 512;
constexpr std::size_t k_code_size = 440;       // then the disk's signature and the partition table
constexpr std::size_t k_kernel_sector = 0x5c;  // in boot.img: where the core starts, 8 bytes
constexpr std::size_t k_next_sector = 0x1f4;   // in the core: where its second sector is, 8 bytes
constexpr const char* k_host_folder = "/usr/lib/grub/i386-pc";

// grub-mkimage syncs its output, which fails on a pipe ("cannot sync `stdout'"): it needs a file.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "vmconvert-core-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) {
      throw std::runtime_error("no temporary folder can be made at " + name);
    }
    m_path = name;
  }
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(m_path, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  [[nodiscard]] std::string file(const char* name) const { return (m_path / name).string(); }

 private:
  std::filesystem::path m_path;
};

void put_number(std::string& bytes, std::size_t at, std::uint64_t number) {
  for (std::size_t i = 0; i < 8; ++i) {
    bytes.at(at + i) = static_cast<char>(number >> (8 * i) & 0xffU);
  }
}

std::string make_core(Host& guest, const Place& place, const std::string& prefix) {
  const ScratchFolder scratch;
  const std::string file = scratch.file("core.img");
  std::vector<std::string> argv = {"grub-mkimage", "-O",   "i386-pc", "-d", k_host_folder,
                                   "-p",           prefix, "-o",      file};
  argv.insert(argv.end(), place.modules.begin(), place.modules.end());
  guest.host_tool(argv);
  std::ifstream core(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(core), std::istreambuf_iterator<char>()};
}

// Only what differs, so that a second run finds nothing to do.
void update_disk(Host& guest, const std::string& disk, std::uint64_t offset,
                 const std::string& content, const std::string& what) {
  if (guest.read_disk(disk, offset, content.size()) != content) {
    guest.write_disk(disk, offset, content, what);
  }
}

}  // namespace

bool install_core(Host& guest, const Place& place, const std::string& grub_folder) {
  const Disk& disk = guest.facts().disks.at(0);
  const std::string inside = grub_folder.substr(std::string_view("/boot").size());
  std::string code, core;
  try {
    code = guest.host_file(std::string(k_host_folder) + "/boot.img", k_sector);
    core = make_core(guest, place, place.device + place.boot_path + inside);
  } catch (const std::exception& error) {
    guest.finding("no-grub-on-host", VMCONVERT_BLOCKS,
                  std::string("GRUB's parts are missing on this host: ") + error.what(),
                  "Install grub-common and grub-pc-bin here, then convert again.");
    return false;
  }
  if (code.size() != k_sector || core.size() <= k_sector) {
    throw std::runtime_error("boot.img or grub-mkimage's core has an unexpected size");
  }
  if (core.size() > disk.gap_bytes || disk.gap_offset % k_sector != 0 || disk.gap_offset == 0) {
    guest.finding("gap-too-small", VMCONVERT_BLOCKS,
                  "The boot loader needs " + std::to_string(core.size()) + " bytes in front of " +
                      disk.name + "'s first partition, where there are " +
                      std::to_string(disk.gap_bytes),
                  "Move the first partition to sector 2048, or put /boot on a small ext2 partition "
                  "of its own: its loader is the smallest.");
    return false;
  }
  const std::uint64_t first = disk.gap_offset / k_sector;
  put_number(code, k_kernel_sector, first);
  put_number(core, k_next_sector, first + 1);
  update_disk(guest, disk.name, 0, code.substr(0, k_code_size), "GRUB 2 boot code");
  update_disk(guest, disk.name, disk.gap_offset, core, "GRUB 2 core image");
  return true;
}

}  // namespace vmconvert::fixer::bootloader
