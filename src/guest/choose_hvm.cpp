// libxl (libxl_dm.c) shows the disks a to d of an HVM guest as IDE disks, too, whether they are
// called hda or xvda, and none behind them; it refuses a read-only one among those four. SeaBIOS,
// and so GRUB, reads the IDE disks alone. Linux' xen-blkfront calls hda xvda, hdb xvdb and so on.
#include "guest/choose_hvm.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"

namespace vmconvert::guest {
namespace {

constexpr std::size_t k_emulated = 4;

// "vdb" -> "b"
std::string letters(const model::TargetDisk& disk) {
  return disk.name.substr(std::string("vd").size());
}

// 4 -> "e", 26 -> "aa"
std::string letters_of(std::size_t index) {
  std::string text;
  for (std::size_t rest = index + 1; rest > 0; rest = (rest - 1) / 26) {
    text.insert(text.begin(), static_cast<char>('a' + (rest - 1) % 26));
  }
  return text;
}

}  // namespace

model::Hardware hvm_hardware(const model::Layout& layout) {
  if (!layout.disks.empty() && layout.disks.front().readonly) {
    throw Error(ErrorKind::refused,
                "the first disk is read-only, and an HVM guest's BIOS cannot start from such a one",
                "describe it as writable, or leave type = \"hvm\" out");
  }
  model::Hardware hardware{"xen", "xen"};
  hardware.made_hvm = true;
  std::size_t free = std::max(layout.disks.size(), k_emulated);
  for (std::size_t i = 0; i < layout.disks.size(); ++i) {
    const bool emulated = i < k_emulated;
    const std::string letter =
        emulated && layout.disks[i].readonly ? letters_of(free++) : letters(layout.disks[i]);
    hardware.in_guest.push_back("xvd" + letter);
    hardware.places.push_back(emulated && !layout.disks[i].readonly ? "hd" + letter
                                                                    : "xvd" + letter);
  }
  return hardware;
}

}  // namespace vmconvert::guest
