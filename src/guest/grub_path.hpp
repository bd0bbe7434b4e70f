// "(hd0,msdos1)/boot/vmlinuz" in GRUB's menus.
#pragma once

#include <string>
#include <string_view>

namespace vmconvert::guest {

struct GrubPath {
  std::string device;  // "(hd0,0)"; empty when the text names none
  std::string path;
};

GrubPath split_grub_path(std::string_view text);
// GRUB legacy's "(hd0,0)" as GRUB 2 counts: "(hd0,1)". Other texts stay.
std::string grub2_device(std::string_view legacy_device);

}  // namespace vmconvert::guest
