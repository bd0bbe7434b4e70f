// First of all fixers: from here on the guest's files name its storage by the new ids, and all
// others see nothing else. The ids themselves were set before.
#include "new_uuids.hpp"

namespace vmconvert::fixer::new_uuids {

namespace {

// Where systems name their storage: README.md says which of them, and why.
constexpr const char* k_places[] = {"/etc/fstab",
                                    "/etc/crypttab",
                                    "/etc/mdadm.conf",
                                    "/etc/mdadm/mdadm.conf",
                                    "/etc/lvm/lvm.conf",
                                    "/etc/lvm/devices/system.devices",
                                    "/etc/lvm/backup/*",
                                    "/etc/lvm/archive/*",
                                    "/boot/grub/grub.cfg",
                                    "/boot/grub2/grub.cfg",
                                    "/boot/grub/custom.cfg",
                                    "/boot/grub2/custom.cfg",
                                    "/boot/grub/grubenv",
                                    "/boot/grub2/grubenv",
                                    "/boot/grub/menu.lst",
                                    "/boot/grub/grub.conf",
                                    "/boot/grub/device.map",
                                    "/boot/efi/[Ee][Ff][Ii]/*/grub.cfg",
                                    "/boot/efi/[Ee][Ff][Ii]/*/grubenv",
                                    "/efi/[Ee][Ff][Ii]/*/grub.cfg",
                                    "/boot/efi/loader/entries/*.conf",
                                    "/efi/loader/entries/*.conf",
                                    "/boot/loader/entries/*.conf",
                                    "/boot/efi/loader/loader.conf",
                                    "/efi/loader/loader.conf",
                                    "/boot/loader/loader.conf",
                                    "/boot/extlinux.conf",
                                    "/boot/extlinux/extlinux.conf",
                                    "/boot/syslinux/*.cfg",
                                    "/boot/extlinux/*.cfg",
                                    "/etc/extlinux.conf",
                                    "/etc/update-extlinux.conf",
                                    "/etc/default/extlinux",
                                    "/etc/default/grub",
                                    "/etc/default/grub.d/*",
                                    "/etc/default/*grub*",
                                    "/etc/grub.d/*",
                                    "/etc/kernel/cmdline",
                                    "/etc/kernel/uki.conf",
                                    "/etc/sysconfig/grub",
                                    "/etc/sysconfig/bootloader",
                                    "/etc/sysconfig/kernel",
                                    "/etc/initramfs-tools/initramfs.conf",
                                    "/etc/initramfs-tools/conf.d/*",
                                    "/etc/dracut.conf",
                                    "/etc/dracut.conf.d/*",
                                    "/etc/cmdline.d/*",
                                    "/etc/mkinitcpio.conf",
                                    "/etc/mkinitcpio.d/*",
                                    "/etc/mkinitfs/mkinitfs.conf",
                                    "/etc/uswsusp.conf",
                                    "/etc/suspend.conf",
                                    "/etc/lilo.conf",
                                    "/etc/systemd/system/*.mount",
                                    "/etc/systemd/system/*.automount",
                                    "/etc/systemd/system/*.swap",
                                    "/etc/udev/rules.d/*.rules",
                                    "/etc/hdparm.conf",
                                    "/etc/smartd.conf",
                                    "/etc/blkid.tab",
                                    "/etc/blkid/blkid.tab"};

bool is_text(Host& guest, const std::string& path) {
  constexpr std::uint64_t k_largest = 8U << 20U;
  return guest.is_file(path) && guest.read(path, k_largest).find('\0') == std::string::npos;
}

std::string named(const NewId& id) {
  return id.device + " (" + id.type + ")";
}

// systemd writes a dash in a unit's name as \x2d: dev-disk-by\x2duuid-....swap.
std::string in_unit_name(std::string_view text) {
  std::string result;
  for (const char byte : text) {
    result += byte == '-' ? "\\x2d" : std::string(1, byte);
  }
  return result;
}

void watch(Host& guest, const NewId& id, const std::vector<Spelling>& all) {
  std::vector<std::string> values;
  for (const Spelling& one : all) {
    values.push_back(one.from);
  }
  values.push_back(in_unit_name(id.from));
  for (const std::string& value : values) {
    guest.watch_finding(
        "uuid-left", VMCONVERT_WARNS, value, "the old UUID of " + named(id) + " still stands in",
        "Correct it there, if the file names storage of this guest: the new one is " + id.to + ".");
  }
}

void fix(Host& guest, const NewIds& ids) {
  std::vector<Spelling> all;
  for (const NewId& id : ids.changes) {
    const std::vector<Spelling> ways = spellings(id);
    all.insert(all.end(), ways.begin(), ways.end());
    if (!ways.empty()) {
      watch(guest, id, ways);
    }
  }
  if (all.empty()) {
    return;
  }
  for (const char* place : k_places) {
    for (const std::string& path : guest.glob(place)) {
      if (!is_leftover_copy(path) && is_text(guest, path)) {
        guest.update(path, with_new_ids(guest.read(path), all));
      }
    }
  }
  correct_efi_programs(guest, all);
}

}  // namespace

}  // namespace vmconvert::fixer::new_uuids

VMCONVERT_FIXER_WITH_IDS("new-uuids", "names the guest's storage by its new UUIDs", 10,
                         vmconvert::fixer::new_uuids::fix)
