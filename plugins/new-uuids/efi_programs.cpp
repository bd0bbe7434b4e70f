// Programs on the EFI system partition that name a filesystem: the GRUB that grub-install makes for
// its machine, a kernel with its arguments in one file. Old and new have one length, so the program
// stays as it was around it.
#include <algorithm>

#include "new_uuids.hpp"

namespace vmconvert::fixer::new_uuids {
namespace {

constexpr std::uint64_t k_largest_program = 512U << 20U;

std::uint32_t number_at(std::string_view bytes, std::size_t at, std::size_t size) {
  std::uint32_t value = 0;
  for (std::size_t i = size; i-- > 0 && bytes.size() >= at + size;) {
    value = value << 8U | static_cast<unsigned char>(bytes[at + i]);
  }
  return value;
}

// A table of certificates: its place and size are the fifth pair of the optional header's
// directories (PE/COFF specification, "Optional Header Data Directories"). What is signed must not
// be changed.
bool is_signed(std::string_view program) {
  constexpr std::size_t k_header_at = 0x3c;
  constexpr std::uint32_t k_64_bits = 0x20b;
  const std::size_t optional = number_at(program, k_header_at, 4) + std::size_t{24};
  const std::size_t directories =
      optional + (number_at(program, optional, 2) == k_64_bits ? 112U : 96U);
  return number_at(program, directories + std::size_t{4} * 8 + 4, 4) != 0;
}

}  // namespace

void correct_efi_programs(Host& guest, const std::vector<Spelling>& all) {
  // Loaders and unified kernel images; add-ons of one image, and of all (systemd-stub(7)).
  constexpr const char* k_partitions[] = {"/boot/efi", "/efi", "/boot"};
  constexpr const char* k_programs[] = {"/[Ee][Ff][Ii]/*/*.[Ee][Ff][Ii]",
                                        "/[Ee][Ff][Ii]/*/*.extra.d/*.addon.efi",
                                        "/loader/addons/*.addon.efi"};
  std::vector<std::string> paths;
  for (const char* partition : k_partitions) {
    for (const char* programs : k_programs) {
      for (std::string& path : guest.glob(std::string(partition) + programs)) {
        paths.push_back(std::move(path));
      }
    }
  }
  for (const std::string& path : paths) {
    if (!guest.is_file(path)) {
      continue;
    }
    const std::string program = guest.read(path, k_largest_program);
    const std::string now = with_new_ids(program, all);
    if (now == program) {
      continue;
    }
    if (is_signed(program)) {
      guest.finding("uuid-uefi", VMCONVERT_BLOCKS,
                    path +
                        " names a filesystem by its old UUID, and it is signed: changed, the "
                        "firmware would not start it",
                    "Leave --new-uuids out, and never give both disks to one host.");
    } else {
      guest.write(path, now);
    }
  }
}

}  // namespace vmconvert::fixer::new_uuids
