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

}  // namespace vmconvert::guest
