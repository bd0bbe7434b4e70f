// What is packed into a GRUB 2 core image, for BIOS machines and as a program for UEFI.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace vmconvert::guest {

struct Grub2Core {
  std::string prefix;  // "(,msdos1)/boot/grub": where its modules and its configuration are
  std::string config;  // the script that it runs first; mostly empty
};

// `core` is the whole image, from the sector that boot.img loads on. Nothing if it is packed in a
// way that we cannot read, as cores before GRUB 2.00 are.
std::optional<Grub2Core> read_grub2_core(std::string_view core);

// The same of grubx64.efi and its like, where nothing is compressed.
std::optional<Grub2Core> read_grub2_efi(std::string_view program);

}  // namespace vmconvert::guest
